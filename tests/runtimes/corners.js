// What the examples do not show: wrong use is answered with a text, texts are UTF-8, work that must
// not run does not, what it throws fails the job. Prints a line for each.
'use strict';

const path = require('node:path');
const { setImmediate } = require('node:timers/promises');
const dcc = require(path.resolve(process.argv[2], 'dcc_cancel.js'));

function refused(what, run) {
    try {
        run();
        console.log(`${what}: was not refused`);
    } catch (error) {
        console.log(`${what}: ${error.message}`);
    }
}

async function main() {
    const job = dcc.Job.create('Größe ändern 停止');
    console.log(`label: ${job.label}`);
    console.log(`alive: ${dcc.liveHandles()}`);
    const ticket = [0];
    dcc.check(dcc.native.dcc_job_set_current(job.handle, ticket));
    dcc.check(dcc.native.dcc_job_reset_current(ticket[0]));
    refused('ticket', () => dcc.check(dcc.native.dcc_job_reset_current(ticket[0])));
    refused('long', () => job.cancel('x'.repeat(5000)));
    console.log(`still: ${job.reason || 'none'}`);
    const waiting = job.cancelled();
    job.cancel('Größe ändern 停止');
    console.log(`waited: ${await waiting}`);
    console.log(`reason: ${job.reason}`);
    job.run(() => console.log('ran although it was cancelled'));
    console.log(`before: ${job.state}`);
    job.release();
    job.release();
    refused('stale', () => job.state);
    refused('twice', () => dcc.check(dcc.native.dcc_job_release(job.handle)));
    refused('made up', () => dcc.check(dcc.native.dcc_job_state(0x1234n, [0])));
    refused('unknown', () => dcc.Job.find(1));

    const failing = dcc.Job.create('Fails');
    let hasEnded = false;
    const ended = failing.ended().then((isSo) => { hasEnded = isSo; });
    await setImmediate(); // the end of this turn of the loop
    await setImmediate(); // and of one in which it has looked
    const before = hasEnded;
    refused('thrown', () => failing.run(() => { throw new Error('no disk'); }));
    console.log(`state: ${failing.state}`);
    await ended;
    console.log(`event: ${before}, then ${hasEnded}`);
    const left = failing.cancelled();
    failing.release();
    console.log(`waited: ${await left}`);
    console.log(`handles left ${dcc.liveHandles()}`);
}

main();
