// Every message between a client and its server, with the time, as a line of JSON each.

import { appendFileSync, writeFileSync } from 'node:fs';

export class Transcript {
    constructor(path) {
        this.path = path;
        this.start = performance.now();
        this.messages = [];
        writeFileSync(path, '');
    }

    scenario(name) {
        this.write({ scenario: name });
    }

    // Notes what passes through a transport of the SDK; `direction` is "c2s" or "s2c".
    listen(transport, peer) {
        const note = (direction, message) => {
            this.messages.push({ peer, direction, message });
            this.write({ peer, dir: direction, msg: message });
        };
        const send = transport.send.bind(transport);
        transport.send = (message, options) => {
            note('c2s', message);
            return send(message, options);
        };
        let heard;
        Object.defineProperty(transport, 'onmessage', {
            get: () => heard,
            set: (onmessage) => {
                heard = onmessage && ((message, extra) => {
                    note('s2c', message);
                    onmessage(message, extra);
                });
            },
        });
    }

    // The id of the call with a label.
    idOf(peer, label) {
        const sent = this.messages.find(
            ({ peer: sender, direction, message }) =>
                sender === peer && direction === 'c2s' && message.method === 'tools/call' &&
                message.params.arguments?.label === label,
        );
        if (!sent) throw new Error(`no call labelled ${label} was sent by ${peer}`);
        return sent.message.id;
    }

    answers(peer, id) {
        return this.messages
            .filter(({ peer: sender, direction, message }) =>
                sender === peer && direction === 's2c' && !message.method && message.id === id)
            .map(({ message }) => message);
    }

    // The notes of progress for a call before its answer; the client uses the id as their token.
    progress(peer, id) {
        const heard = this.messages
            .filter((said) => said.peer === peer && said.direction === 's2c')
            .map(({ message }) => message);
        const answer = heard.findIndex((message) => !message.method && message.id === id);
        return heard
            .slice(0, answer)
            .filter((message) => message.params?.progressToken === id)
            .map((message) => message.params);
    }

    write(line) {
        const seconds = Math.round(performance.now() - this.start) / 1000;
        appendFileSync(this.path, JSON.stringify({ seconds, ...line }) + '\n');
    }
}
