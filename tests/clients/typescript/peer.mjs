// A connected client of a TypeScript SDK.

export class Peer {
    constructor(sdk, name, transcript) {
        this.sdk = sdk;
        this.name = name;
        this.transcript = transcript;
        this.client = new sdk.Client({ name, version: '1.0.0' });
    }

    async connect({ http, stdio }) {
        this.transport = http
            ? new this.sdk.StreamableHTTPClientTransport(new URL(http))
            : new this.sdk.StdioClientTransport({ command: stdio[0], args: stdio.slice(1) });
        this.transcript.listen(this.transport, this.name);
        await this.client.connect(this.transport);
        await this.client.listTools();
    }

    async close() {
        if (this.transport.terminateSession) await this.transport.terminateSession();
        await this.client.close();
    }

    async call(tool, args, options) {
        const result = await this.sdk.call(this.client, { name: tool, arguments: args }, options);
        if (result.isError) throw new Error(result.content[0].text);
        return result.structuredContent;
    }

    async sendCancelled(requestId, reason) {
        await this.client.notification({
            method: 'notifications/cancelled',
            params: { requestId, reason },
        });
    }
}

// A call for whose result the scenario does not wait yet.
export class RunningCall {
    constructor(peer, tool, label, args, options = {}) {
        this.peer = peer;
        this.label = label;
        this.notes = [];
        this.controller = new AbortController();
        const noted = new Promise((resolve) => (this.noted = resolve));
        this.result = peer.call(tool, { label, ...args }, {
            signal: this.controller.signal,
            timeout: 1000 * process.env.DCC_HANG_SECONDS,
            onprogress: (note) => {
                this.notes.push(note);
                if (note.progress > 0) this.noted();
            },
            ...options,
        });
        // Code that needs the result waits for `result`; Node must not end the program before.
        this.hasEnded = false;
        this.result.catch(() => {}).finally(() => (this.hasEnded = true));
        const ended = (what) => {
            throw new Error(`${label}: no progress was shown before its end: ${JSON.stringify(what)}`);
        };
        this.firstProgress = Promise.race([noted, this.result.then(ended, ended)]);
        this.firstProgress.catch(() => {});
    }

    get id() {
        return this.peer.transcript.idOf(this.peer.name, this.label);
    }

    abort(reason) {
        this.controller.abort(reason);
        return reason;
    }
}
