// The two TypeScript packages for clients, with common names for their differences.

const PACKAGES = {
    // Until version 1 one package had servers and clients.
    async sdk() {
        const [{ Client }, { StdioClientTransport }, { StreamableHTTPClientTransport }] = await Promise.all([
            import('@modelcontextprotocol/sdk/client/index.js'),
            import('@modelcontextprotocol/sdk/client/stdio.js'),
            import('@modelcontextprotocol/sdk/client/streamableHttp.js'),
        ]);
        return {
            Client, StdioClientTransport, StreamableHTTPClientTransport,
            call: (client, call, options) => client.callTool(call, undefined, options),
            timedOut: -32001,
            timeoutReason: 'McpError: MCP error -32001: Request timed out',
        };
    },

    async client() {
        const [{ Client, StreamableHTTPClientTransport }, { StdioClientTransport }] = await Promise.all([
            import('@modelcontextprotocol/client'),
            import('@modelcontextprotocol/client/stdio'),
        ]);
        return {
            Client, StdioClientTransport, StreamableHTTPClientTransport,
            call: (client, call, options) => client.callTool(call, options),
            timedOut: 'REQUEST_TIMEOUT',
            timeoutReason: 'SdkError: Request timed out',
        };
    },
};

export const sdkNamed = (name = 'sdk') => PACKAGES[name]();
