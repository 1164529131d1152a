// Drives examples/stdio_server with the client of the TypeScript SDK: node stdio_server.mjs SERVER

import assert from 'node:assert/strict';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

const FOR_EVER = 1e12;
const client = new Client({ name: 'agent', version: '1.0.0' });

async function call(tool, args, options = {}) {
    const result = await client.callTool({ name: tool, arguments: args }, undefined, {
        timeout: 1000 * process.env.DCC_HANG_SECONDS,
        ...options,
    });
    assert.equal(result.isError, false, JSON.stringify(result));
    return result.content[0].text;
}

// Starts a call. Returns its result, and the controller that aborts it.
async function start(tool, args) {
    const controller = new AbortController();
    let onprogress;
    const noted = new Promise((resolve) => (onprogress = resolve));
    const result = call(tool, args, { signal: controller.signal, onprogress });
    result.catch(() => {});
    await Promise.race([noted, result]);
    return { result, controller };
}

async function abort({ result, controller }) {
    controller.abort('aborted');
    await assert.rejects(result, /aborted/);
}

async function assertAlive() {
    assert.equal(await call('short_execution', { topic: 'cats' }), 'in short: cats');
}

// Plays one call that blocks the host's thread and counts nothing, until the client ends it. Returns whether
// the client waited for as long as it was told that the call continues, although it waits for `timeout` at
// most.
async function waitsForOneOpaqueCall(timeout) {
    const told = [];
    const start = performance.now();
    let heard;
    const isHeard = new Promise((resolve) => (heard = resolve));
    const onprogress = ({ progress, total }) => {
        assert(total === undefined || progress < total);
        told.push(progress);
        if (performance.now() - start > 2 * timeout) heard();
    };
    const options = { timeout, resetTimeoutOnProgress: true, onprogress };
    const result = call('open_dialog', { by: 'job' }, options);
    result.catch(() => {});
    const isPatient = await Promise.race([isHeard.then(() => true), result.catch(() => false)]);
    assert.equal(await call('close_dialog', {}), 'closed');
    if (isPatient) assert.equal(await result, 'the dialog was closed');
    assert(told.every((value, at) => at === 0 || value > told[at - 1]), String(told));
    return isPatient;
}

async function playOneOpaqueCall() {
    const impatient = call('open_dialog', { by: 'job' }, { timeout: 1500, onprogress: () => {} });
    await assert.rejects(impatient, { code: -32001 });
    assert.equal(await call('close_dialog', {}), 'closed');
    await assertAlive();
    // If the machine stands still for as long as a client waits, no note comes in time.
    let isPatient = false;
    for (const timeout of [1500, 6000, 24000]) isPatient ||= await waitsForOneOpaqueCall(timeout);
    assert(isPatient, 'it gave up a call that was told to go on');
    await assertAlive();
}

async function play() {
    await assertAlive();
    const told = [];
    const onprogress = ({ progress }) => told.push(progress);
    const whole = await call('long_execution', { count: 8000 }, { onprogress });
    assert.equal(whole, 'smoothed 8000 of 8000 times');
    // This client drops the last note, because it handles the note after the answer that follows it.
    assert(told.length > 1 && told.at(-1) <= 8000, String(told));
    assert(told.every((value, at) => at === 0 || value > told[at - 1]), String(told));

    await abort(await start('long_execution', { count: FOR_EVER }));
    await assertAlive();

    const timedOut = call('long_execution', { count: FOR_EVER }, { timeout: 300 });
    await assert.rejects(timedOut, { code: -32001 });
    await assertAlive();

    const first = call('long_execution', { count: 2000 });
    const middle = await start('long_execution', { count: FOR_EVER });
    const last = call('long_execution', { count: 2000 });
    await abort(middle);
    const both = await Promise.all([first, last]);
    assert.deepEqual(both, Array(2).fill('smoothed 2000 of 2000 times'));

    await abort(await start('process_large_file', { path: '/dev/zero' }));
    await assertAlive();
    await playOneOpaqueCall();
}

await client.connect(new StdioClientTransport({ command: process.argv[2], stderr: 'inherit' }));
assert.equal((await client.listTools()).tools.length, 6);
await client.ping();
await play();
await client.close();
console.log('all passed');
