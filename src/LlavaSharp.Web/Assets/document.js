// Buttons that must work even where the connection to the server is lost.
document.addEventListener('click', event => {
    if (event.target.closest?.('[data-reload]'))
        location.reload();
});
