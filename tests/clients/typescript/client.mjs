// Plays the scenarios with the client of a TypeScript SDK against a server.
//
//     node client.mjs --transcript FILE --folder DIR --answer -32800 [--package client]
//         (--http URL | --stdio COMMAND ARGUMENT...)
//
// `--answer`: the code of the error that a cancelled request is answered with, or "none". `--package`: sdk or
// client, of those in sdks.mjs.

import { Peer } from './peer.mjs';
import { Scene, ofOne, ofTwo } from './scenarios.mjs';
import { sdkNamed } from './sdks.mjs';
import { Transcript } from './transcript.mjs';

function parsed(words) {
    const values = {};
    for (let at = 0; at < words.length; at += 2) {
        const name = words[at].replace(/^--/, '');
        if (name === 'stdio') return { ...values, stdio: words.slice(at + 1) };
        values[name] = words[at + 1];
    }
    return values;
}

const given = parsed(process.argv.slice(2));
const transcript = new Transcript(given.transcript);
const names = given.http ? ['client', 'another client'] : ['client'];
const sdk = await sdkNamed(given.package);
const peers = names.map((name) => new Peer(sdk, name, transcript));
let failed = false;
try {
    for (const peer of peers) await peer.connect(given);
    const answer = given.answer === 'none' ? null : Number(given.answer);
    const scene = new Scene(peers, transcript, given.folder, answer);
    // These run first, while both clients have made the same number of calls.
    for (const scenario of [...(given.http ? ofTwo : []), ...ofOne]) await scene.play(scenario);
    scene.assertAnsweredAsPromised();
    console.log('all passed');
} catch (error) {
    console.error(error);
    failed = true;
}
for (const peer of peers) await peer.close().catch((error) => console.error(error));
process.exit(failed ? 1 : 0);
