// Starts and ends a kumosearch-server for a test: a free port, a directory of its own.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import Typesense from "typesense";

const binary = process.env.KUMO_SERVER;
if (!binary) {
    throw new Error("KUMO_SERVER must name the kumosearch-server to test");
}

export const API_KEY = "bootstrap-key-of-the-test";

export class Server {
    constructor(options = []) {
        this.directory = mkdtempSync(path.join(tmpdir(), "kumosearch-e2e-"));
        this.options = options;
    }

    async start() {
        this.output = "";
        this.process = spawn(
            binary,
            ["--data-dir", this.directory, "--api-address", "127.0.0.1", "--api-port", "0",
                "--enable-cors", ...this.options],
            { env: { ...process.env, KUMOSEARCH_API_KEY: API_KEY } });
        this.ended = new Promise((resolve) => this.process.once("exit", (code, signal) => {
            resolve({ code, signal });
        }));
        const said = new Promise((resolve, reject) => {
            const take = (bytes) => {
                this.output += bytes;
                const at = /listens on https?:\/\/127\.0\.0\.1:(\d+)\n/.exec(this.output);
                if (at) {
                    resolve(Number(at[1]));
                }
            };
            this.process.stdout.on("data", take);
            this.process.stderr.on("data", take);
            this.process.once("exit", () => reject(new Error(`ended early: ${this.output}`)));
        });
        this.port = await said;
        return this;
    }

    async end(signal = "SIGTERM") {
        this.process.kill(signal);
        return this.ended;
    }

    async restart(signal = "SIGTERM") {
        await this.end(signal);
        return this.start();
    }

    remove() {
        rmSync(this.directory, { recursive: true, force: true });
    }

    url(target) {
        return `http://127.0.0.1:${this.port}${target}`;
    }

    /** A plain request with the bootstrap key. */
    fetch(target, options = {}) {
        return fetch(this.url(target), {
            ...options,
            headers: { "X-KUMOSEARCH-API-KEY": API_KEY, ...options.headers },
        });
    }

    client(apiKey = API_KEY) {
        return new Typesense.Client({
            nodes: [{ host: "127.0.0.1", port: this.port, protocol: "http" }],
            apiKey,
            numRetries: 0,
            connectionTimeoutSeconds: 20,
            logLevel: "silent",
        });
    }
}
