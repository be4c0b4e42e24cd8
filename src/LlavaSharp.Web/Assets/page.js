// What only the browser can do: keys, paste, drop, copying, following a chat to its end, preferences, and the history in IndexedDB.

const mostConversations = 200;

document.addEventListener('keydown', event => {
    const box = event.target.closest?.('textarea[data-enter]');
    // while an input method composes a character, ENTER belongs to it
    if (box && event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        document.getElementById(box.dataset.enter)?.click();
    } else if (event.key === 'Escape')
        document.getElementById('stop')?.click();
});

document.addEventListener('click', async event => {
    const focus = event.target.closest?.('[data-focus]');
    if (focus)
        document.getElementById(focus.dataset.focus)?.focus();
    const copy = event.target.closest?.('[data-copy]');
    if (copy) {
        await navigator.clipboard?.writeText(copy.closest('.code').querySelector('code').textContent);
        copy.classList.add('done');
        setTimeout(() => copy.classList.remove('done'), 1500);
    }
});

// pictures that are pasted or dropped go the way of those that are chosen
function give(files) {
    const pictures = [...files].filter(file => file.type.startsWith('image/'));
    const input = document.querySelector('input[data-pictures]');
    if (pictures.length === 0 || !input)
        return false;
    const transfer = new DataTransfer();
    for (const picture of pictures)
        transfer.items.add(picture);
    input.files = transfer.files;
    input.dispatchEvent(new Event('change', { bubbles: true }));
    return true;
}

document.addEventListener('paste', event => {
    if (event.clipboardData && give(event.clipboardData.files))
        event.preventDefault();
});

const hasFiles = event => event.dataTransfer && [...event.dataTransfer.types].includes('Files');
const showDrop = shows => { const drop = document.querySelector('[data-drop]'); if (drop) drop.hidden = !shows; };

document.addEventListener('dragover', event => {
    if (hasFiles(event)) {
        event.preventDefault();
        showDrop(true);
    }
});
document.addEventListener('dragleave', event => { if (!event.relatedTarget) showDrop(false); });
document.addEventListener('drop', event => {
    showDrop(false);
    if (hasFiles(event)) {
        event.preventDefault();
        give(event.dataTransfer.files);
    }
});

// a chat is followed to its end unless its reader has gone back
document.addEventListener('scroll', event => {
    const chat = event.target;
    if (chat.matches?.('[data-follow]'))
        chat.goneBack = chat.scrollHeight - chat.scrollTop - chat.clientHeight > 40;
}, true);
new MutationObserver(() => {
    for (const chat of document.querySelectorAll('[data-follow]'))
        if (!chat.goneBack)
            chat.scrollTop = chat.scrollHeight;
}).observe(document.body, { childList: true, subtree: true, characterData: true });

export function setPreference(name, value) {
    document.cookie = `llava-${name}=${value}; path=/; max-age=31536000; SameSite=Strict`;
    if (name === 'theme')
        document.documentElement.dataset.theme = value;
    else
        document.documentElement.lang = value;
}

const done = request => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
});

let database;
function open() {
    return database ??= new Promise((resolve, reject) => {
        const request = indexedDB.open('llava', 1);
        request.onupgradeneeded = () => {
            request.result.createObjectStore('conversations', { keyPath: 'id' });
            request.result.createObjectStore('pictures');
        };
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
    });
}

async function store(name, mode) {
    return (await open()).transaction(name, mode).objectStore(name);
}

async function all() {
    return (await done((await store('conversations', 'readonly')).getAll())).sort((a, b) => b.time - a.time);
}

// pictures that no conversation names any more go, too
async function sweep() {
    const conversations = await all();
    for (const old of conversations.splice(mostConversations))
        await done((await store('conversations', 'readwrite')).delete(old.id));
    const used = new Set(conversations.flatMap(conversation => conversation.pictures));
    for (const key of await done((await store('pictures', 'readonly')).getAllKeys()))
        if (!used.has(key))
            await done((await store('pictures', 'readwrite')).delete(key));
}

export async function listConversations() {
    return (await all()).map(({ id, title, time }) => ({ id, title, time }));
}

export async function missingPictures(keys) {
    const known = new Set(await done((await store('pictures', 'readonly')).getAllKeys()));
    return keys.filter(key => !known.has(key));
}

export async function keepPicture(key, uri) {
    await done((await store('pictures', 'readwrite')).put(uri, key));
}

export async function keepConversation(json) {
    await done((await store('conversations', 'readwrite')).put(JSON.parse(json)));
    await sweep();
}

export async function openConversation(id) {
    const conversation = await done((await store('conversations', 'readonly')).get(id));
    const pictures = {};
    for (const key of conversation?.pictures ?? [])
        pictures[key] = await done((await store('pictures', 'readonly')).get(key));
    return new Blob([JSON.stringify({ conversation, pictures })]);
}

export async function deleteConversation(id) {
    await done((await store('conversations', 'readwrite')).delete(id));
    await sweep();
    return await listConversations();
}

export async function deleteConversations() {
    await done((await store('conversations', 'readwrite')).clear());
    await sweep();
    return [];
}
