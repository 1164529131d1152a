// The actions of an agent with the tools of a server, and their expected results: the same as
// tests/clients/python/scenarios.py, with the client of the TypeScript SDK.

import assert from 'node:assert/strict';
import { openSync, closeSync, ftruncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunningCall } from './peer.mjs';

// More steps than any machine makes during a test.
const FOR_EVER = 1_000_000_000;
const A_WHILE = 20_000;
const SECONDS = Number(process.env.DCC_HANG_SECONDS);

export async function progress_is_shown(scene) {
    const call = new RunningCall(scene.peer, 'long_execution', 'whole', { count: A_WHILE });
    assert.equal((await call.result).done, A_WHILE);
    assert.ok(call.notes.length > 1);
    // The notes as they were received: this client drops a note that comes together with the answer.
    const notes = scene.transcript.progress(scene.peer.name, call.id);
    const values = notes.map((note) => note.progress);
    assert.deepEqual(values, [...new Set(values)].sort((a, b) => a - b));
    assert.equal(values.at(-1), A_WHILE);
    // The first note may come before the tool has said how much there is.
    for (const note of notes.filter((note) => note.progress > 0)) assert.equal(note.total, A_WHILE);
}

export async function cancelled_by_message(scene) {
    const call = new RunningCall(scene.peer, 'long_execution', 'by message', { count: FOR_EVER });
    await call.firstProgress;
    await scene.peer.sendCancelled(call.id, 'User pressed Esc');
    await scene.assertStopped(call, 'User pressed Esc');
    // If no answer comes, the client has to stop waiting by itself.
    if (scene.answer === null) call.abort('nobody answers');
    else await assert.rejects(call.result, { code: scene.answer });
}

export async function cancelled_by_abort(scene) {
    const call = new RunningCall(scene.peer, 'long_execution', 'by abort', { count: FOR_EVER });
    await call.firstProgress;
    const reason = call.abort('User pressed Esc');
    await assert.rejects(call.result);
    await scene.assertStopped(call, reason);
}

export async function cancelled_by_timeout(scene) {
    const call = new RunningCall(
        scene.peer, 'long_execution', 'by timeout', { count: FOR_EVER }, { timeout: 700 },
    );
    await assert.rejects(call.result, { code: scene.peer.sdk.timedOut });
    await scene.assertStopped(call, scene.peer.sdk.timeoutReason);
}

export async function reading_a_file_is_cancelled(scene) {
    const path = join(scene.folder, 'large');
    const file = openSync(path, 'w');
    ftruncateSync(file, 2 ** 38);
    closeSync(file);
    const call = new RunningCall(scene.peer, 'process_large_file', 'file', { path });
    await call.firstProgress;
    assert.equal((await scene.peer.call('open_resources', {})).open, 1);
    const reason = call.abort('User pressed Esc');
    await scene.assertStopped(call, reason, 64 * 1024);
}

export async function the_middle_one_of_three_is_cancelled(scene) {
    const start = (label, count) =>
        new RunningCall(scene.peer, 'long_execution', label, { count });
    const first = start('first', 2 * A_WHILE);
    const middle = start('middle', FOR_EVER);
    const last = start('last', 2 * A_WHILE);
    for (const call of [first, middle, last]) await call.firstProgress;
    assert.ok(!first.hasEnded && !last.hasEnded);
    const reason = middle.abort('User pressed Esc');
    await scene.assertStopped(middle, reason);
    for (const call of [first, last]) assert.equal((await call.result).done, 2 * A_WHILE);
}

export async function a_cancel_after_the_end_changes_nothing(scene) {
    const call = new RunningCall(scene.peer, 'long_execution', 'ended', { count: 10 });
    assert.equal((await call.result).done, 10);
    await scene.peer.sendCancelled(call.id, 'too late');
    const after = new RunningCall(scene.peer, 'long_execution', 'after', { count: 10 });
    assert.equal((await after.result).done, 10);
    for (const over of [call, after]) {
        const partial = await scene.peer.call('last_partial_result', { label: over.label });
        assert.equal(partial.found, false);
        assert.equal(scene.transcript.answers(scene.peer.name, over.id).length, 1);
    }
}

export async function two_sessions_use_the_same_id(scene) {
    const start = (peer, count) =>
        new RunningCall(peer, 'long_execution', `of ${peer.name}`, { count });
    const one = start(scene.both[0], FOR_EVER);
    const other = start(scene.both[1], 2 * A_WHILE);
    await one.firstProgress;
    await other.firstProgress;
    assert.equal(one.id, other.id);
    assert.ok(!other.hasEnded);
    const reason = one.abort('User pressed Esc');
    await scene.assertStopped(one, reason);
    assert.equal((await other.result).done, 2 * A_WHILE);
}

export const ofOne = [
    progress_is_shown,
    cancelled_by_message,
    cancelled_by_abort,
    cancelled_by_timeout,
    reading_a_file_is_cancelled,
    the_middle_one_of_three_is_cancelled,
    a_cancel_after_the_end_changes_nothing,
];
export const ofTwo = [two_sessions_use_the_same_id];

// The participants, and the promises of their protocol version and transport.
export class Scene {
    constructor(peers, transcript, folder, answer) {
        this.both = peers;
        this.peer = peers[0];
        this.transcript = transcript;
        this.folder = folder;
        this.answer = answer;
        this.stopped = [];
    }

    async play(scenario) {
        this.transcript.scenario(scenario.name);
        const late = new AbortController();
        const limit = sleep(SECONDS * 1000, undefined, { signal: late.signal }).then(() => {
            throw new Error(`${scenario.name} took more than ${SECONDS} s`);
        });
        limit.catch(() => {});
        await Promise.race([this.playToItsEnd(scenario), limit]);
        late.abort();
        console.log(`passed: ${scenario.name}`);
    }

    async playToItsEnd(scenario) {
        await scenario(this);
        // After any cancel the server continues to work, and has released what it used.
        const short = await this.peer.call('short_execution', { topic: scenario.name });
        assert.ok(short.done > 0 && short.done === short.asked);
        await this.until(async () => (await this.peer.call('open_resources', {})).open === 0);
    }

    // The native loop stopped at its next poll, and what it had done was kept.
    async assertStopped(call, reason, step = 1) {
        const partial = await this.until(async () => {
            const found = await call.peer.call('last_partial_result', { label: call.label });
            return found.found && found;
        });
        const told = JSON.stringify(partial);
        assert.ok(partial.done > 0 && partial.done < partial.asked, told);
        // The step that was under way, and one that may have begun as the cancel was on its way.
        const late = partial.done - partial.done_at_cancel;
        assert.ok(late >= 0 && late <= 2 * step, told);
        // FastMCP represents ids as texts.
        assert.equal(String(partial.request_id), String(call.id), told);
        assert.equal(partial.ways[0], 'message', told);
        assert.equal(partial.reason, reason, told);
        console.log(
            `${call.label}: stopped after ${partial.done} of ${partial.asked}, ${late} past the ` +
            `cancel, seen after ${Math.round(partial.cancel_to_seen_ns / 1000)} us`,
        );
        if (this.answer !== null) {
            await this.until(async () =>
                this.transcript.answers(call.peer.name, call.id).length > 0);
        }
        this.stopped.push(call);
    }

    // Checks, at the end, that each cancelled request got one error or nothing, and never a result.
    assertAnsweredAsPromised() {
        for (const call of this.stopped) {
            const codes = this.transcript.answers(call.peer.name, call.id)
                .map((answer) => answer.error?.code);
            assert.deepEqual(codes, this.answer === null ? [] : [this.answer], call.label);
        }
    }

    // Asks again until there is an answer; the time limit of the scenario ends this.
    async until(asked) {
        for (;;) {
            const answer = await asked();
            if (answer) return answer;
            await sleep(10);
        }
    }
}
