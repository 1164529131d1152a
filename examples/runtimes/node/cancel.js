// Shows: dcc-cancel in Node.js, by koffi. A job sums numbers in a worker thread and polls. A timer of the
// event loop cancels it, and the job keeps the partial sum. A second job saves the sum after its point of
// no return.
//
// Run, after `cargo build --release`, with Node.js 18 or later:
//     cp -r examples/runtimes/node target/ && npm ci --ignore-scripts --prefix target/node
//     DCC_CANCEL_LIBRARY=$PWD/target/release/libdcc_cancel.so node target/node/cancel.js
//
// (koffi is a prebuilt package, so its install script is not needed.)
'use strict';

const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');
const { once } = require('node:events');
const dcc = require('./dcc_cancel.js');

const STEPS = 10_000_000_000; // many minutes
const FILES = 10;

// The worker runs in the context that it was given. Its event loop does not run while it sums, so no message
// can stop it, but a poll can.
function sumUp() {
    const job = dcc.Job.find(workerData.id);
    let sum = 0;
    // Stands for a native library that calls a function of its caller to ask whether to stop.
    const sumLibrary = (ask, data) => {
        let done = 0;
        do {
            done += 1;
            sum += done;
        } while (done < STEPS && ask(data) === 0);
        return done;
    };
    parentPort.postMessage('running');
    try {
        const call = new dcc.LibraryCall();
        const done = sumLibrary(call.ask, call.data);
        job.setProgress(done, STEPS);
        const goesOn = call.end(done === STEPS, done !== STEPS, 'sum: aborted');
        return { sum, goesOn, cleaned: dcc.shield(cleanUp) };
    } finally {
        job.release();
    }
}

// Polls as all code does. Behind a shield it is not stopped. Returns how many files it has removed.
function cleanUp() {
    let removed = 0;
    while (removed < FILES && !dcc.isCancelled()) removed += 1;
    return removed;
}

// A job that does what cannot be taken back. After that a cancel is too late.
function save(sum) {
    const job = dcc.Job.create('Save');
    try {
        let saved;
        let answer;
        job.run(() => {
            if (!job.seal()) return false;
            answer = job.cancel('too late');
            saved = sum;
            return true;
        });
        const told = answer === dcc.SEALED ? 'came too late' : 'was first';
        console.log(`saved ${saved}: job ${job.state}, a cancel ${told}`);
    } finally {
        job.release();
    }
}

// A result that two jobs wait for. It is cancelled when both have left.
function share() {
    const views = [dcc.Job.create('Left view'), dcc.Job.create('Right view')];
    const both = new dcc.SharedToken(...views);
    try {
        const [first, last] = views.map((view) => {
            view.cancel('the view was closed');
            return both.isCancelled;
        });
        console.log(`shared result stops after the first: ${first}, after both: ${last}`);
    } finally {
        both.release();
        views.forEach((view) => view.release());
    }
}

async function main() {
    console.log(dcc.version());
    const job = dcc.Job.create('Sum up');
    let worker;
    let result;
    try {
        const isOver = Promise.all([job.cancelled(), job.ended()]);
        await job.runAsync(async (context) => {
            worker = new Worker(__filename, { workerData: { id: job.id, context: context.handle } });
            await once(worker, 'message'); // the worker runs
            const user = new AbortController(); // the object that fetch and other functions take
            user.signal.addEventListener('abort', () => job.cancel(user.signal.reason));
            setTimeout(() => user.abort('the user pressed Esc'), 50);
            [result] = await once(worker, 'message');
            return result.goesOn;
        });
        await isOver;

        const { done, total } = job.progress;
        console.log(`stopped after ${done} of ${total} steps by: ${job.reason}`);
        console.log(`partial sum ${result.sum}`);
        save(result.sum);
        console.log(`cleaned up ${result.cleaned} of ${FILES} files`);
        share();
        console.log(`job ${job.state}: ${job.failure}`);
    } finally {
        await worker?.terminate(); // only after an error the worker has not ended yet
        job.release();
    }
    console.log(`handles left ${dcc.liveHandles()}`);
}

if (isMainThread) {
    main().catch((error) => {
        console.error(error);
        process.exitCode = 1;
    });
} else {
    // Sent when the worker uses nothing of the library any more, because it is terminated then.
    parentPort.postMessage(new dcc.Context(workerData.context).run(sumUp));
}
