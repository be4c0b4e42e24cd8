// Computes with llama.cpp as a program on the other side tells it: one JSON object a line on standard input, one answer a line on standard output.
//
// What is timed is llama_decode and nothing else. node-llama-cpp's own queues would cut and schedule batches as they see fit, so its binding is used
// directly: initBatch and addToBatch fill one llama_batch, decodeBatch is one llama_decode of it (and llama_synchronize) on a worker thread. Handing work to
// that thread and making the batch cost a quarter of a millisecond by llama.cpp's own clock. The binding sets n_ubatch to n_batch, both "batch" here.
import {readFileSync} from "node:fs";
import {createInterface} from "node:readline";
import process from "node:process";
import {getLlama, LlamaLogLevel} from "node-llama-cpp";

const answer = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);   // whatever else the library prints

const log = [];
let llama, model;
let contexts = new Map();   // number of sequences -> {addon, samplers, held: ids in the cache of the first sequence}
let settings;

const seconds = async (action) => {
    const start = process.hrtime.bigint();
    await action();
    return Number(process.hrtime.bigint() - start) / 1e9;
};

const commands = {
    // {threads, context: positions of a sequence, batch: most tokens of one llama_decode, mmap, model: path}
    async load(request) {
        await commands.free();
        settings = request;
        llama ??= await getLlama({
            gpu: false, build: "never", skipDownload: true, usePrebuiltBinaries: true, progressLogs: false, maxThreads: 0,
            logLevel: LlamaLogLevel.info, logger: (level, message) => log.push(message)
        });
        const start = log.length;
        const binding = llama._bindings;
        let taken = await seconds(async () => {
            model = new binding.AddonModel(request.model, {addonExports: binding, gpuLayers: 0, useMmap: request.mmap});
            if (!await model.init())
                throw new Error(`llama.cpp cannot load ${request.model}: ${log.slice(start).join("").trim()}`);
        });
        taken += await seconds(() => context(1));
        await new Promise(setImmediate);   // lets the log arrive
        return {seconds: taken, description: model.getModelDescription(), release: llama.llamaCppRelease.release, system: binding.systemInfo().trim(), variant: variant(),
            buffers: log.slice(start).join("\n").split("\n").map((line) => line.trim()).filter((line) => /buffer size|flash[ _]att/i.test(line))};
    },

    // {ids}: all in one llama_decode, into an empty sequence; logits of the last
    async prefill({ids}) {
        const one = await context(1);
        one.addon.disposeSequence(0);
        one.held = [];
        const taken = await seconds(() => decode(one, [[0, 0, ids]]));
        one.held = ids;
        return {seconds: taken};
    },

    // {ids: the context of each sequence, first: the token after it for each of them, steps}: greedy, all sequences in each llama_decode
    async decode({ids, first, steps}) {
        const held = await context(first.length);
        const sequences = Array.from(first, (_, sequence) => sequence);
        if (await hold(held, ids) && sequences.length > 1) {
            for (const sequence of sequences.slice(1)) {
                held.addon.disposeSequence(sequence);
                await held.addon.copySequenceStateFromOtherSequence(sequence, 0);
            }
            await generate(held, sequences, ids.length, first, 1);   // llama.cpp copies at the next llama_decode
        }
        for (const sequence of sequences)
            held.addon.removeTokenCellsFromSequence(sequence, ids.length, -1);
        return await generate(held, sequences, ids.length, first, steps);
    },

    // bytes: resident (with the pages of the mapped file), and anonymous where the system says
    async memory() {
        let anonymous = null;
        try {
            anonymous = 1024 * Number(/^RssAnon:\s*(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"))[1]);
        } catch { /* not Linux */ }
        return {resident: process.memoryUsage().rss, anonymous};
    },

    async free() {
        for (const {addon, samplers} of contexts.values()) {
            samplers.forEach((sampler) => sampler.dispose());
            await addon.dispose();
        }
        contexts = new Map();
        await model?.dispose();
        model = undefined;
        return {};
    }
};

async function context(sequences) {
    if (model == null)
        throw new Error("no model is loaded");
    if (contexts.has(sequences))
        return contexts.get(sequences);
    const addon = new llama._bindings.AddonContext(model, {
        contextSize: sequences * settings.context, sequences, batchSize: settings.batch, threads: settings.threads, flashAttention: "auto"
    });
    if (!await addon.init())
        throw new Error(`llama.cpp cannot make a context of ${sequences} x ${settings.context} positions: ${log.slice(-5).join("").trim()}`);
    // one each, since they are used at the same time
    const samplers = Array.from({length: sequences}, () => new llama._bindings.AddonSampler(model));
    samplers.forEach((sampler) => sampler.applyConfig({temperature: 0}));   // greedy
    const made = {addon, samplers, held: []};
    contexts.set(sequences, made);
    return made;
}

// one llama_decode of [sequence, position of its first token, ids] each; returns where the logits of each sequence's last token lie
async function decode({addon}, parts) {
    addon.initBatch(parts.reduce((sum, [, , ids]) => sum + ids.length, 0));
    const rows = parts.map(([sequence, position, ids]) => addon.addToBatch(sequence, position, Uint32Array.from(ids), Uint32Array.of(ids.length - 1))[0]);
    await addon.decodeBatch();
    return rows;
}

// brings the first sequence to these ids, keeping what it begins with; returns whether anything had to be computed
async function hold(context, ids) {
    let kept = 0;
    while (kept < ids.length && context.held[kept] === ids[kept])
        kept++;
    context.addon.removeTokenCellsFromSequence(0, kept, -1);
    context.held = ids.slice(0, kept);
    for (let start = kept; start < ids.length; start += settings.batch)
        await decode(context, [[0, start, ids.slice(start, start + settings.batch)]]);
    context.held = ids;
    return kept < ids.length;
}

// seconds are those of one step
async function generate(context, sequences, position, first, steps) {
    let tokens = first;
    let decoding = 0, sampling = 0;
    const generated = [];
    for (let step = 0; step < steps; step++) {
        let rows;
        decoding += await seconds(async () => rows = await decode(context, sequences.map((sequence, i) => [sequence, position + step, [tokens[i]]])));
        sampling += await seconds(async () => tokens = await Promise.all(rows.map((row, i) => context.addon.sampleToken(row, context.samplers[i]))));
        generated.push(tokens);
    }
    return {seconds: decoding / steps, sampling: sampling / steps, ids: generated};
}

// which of the libraries for different processors llama.cpp chose
function variant() {
    const found = /libggml-cpu-([\w.]+?)\.(?:so|dylib)|ggml-cpu-([\w.]+?)\.dll/;
    let match = found.exec(log.join("\n"));
    try {
        match ??= found.exec(readFileSync("/proc/self/maps", "utf8"));
    } catch { /* not Linux */ }
    return match?.[1] ?? match?.[2] ?? null;
}

for await (const line of createInterface({input: process.stdin})) {
    let id = null, result;
    try {
        const request = JSON.parse(line);
        id = request.id;
        if (request.do === "exit")
            break;
        if (!Object.hasOwn(commands, request.do))
            throw new Error(`there is no command ${request.do}`);
        result = await commands[request.do](request);
    } catch (error) {
        result = {error: String(error?.message ?? error)};
    }
    answer(JSON.stringify({id, ...result}) + "\n");
}
process.exit(0);
