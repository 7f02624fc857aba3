// How the server may be started, and how it refuses.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import https from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { API_KEY, Server } from "../server.js";

const directory = mkdtempSync(path.join(tmpdir(), "kumosearch-start-"));
after(() => rmSync(directory, { recursive: true, force: true }));

function run(...options) {
    const env = { ...process.env };
    delete env.KUMOSEARCH_API_KEY;
    return spawnSync(process.env.KUMO_SERVER, options, { env, encoding: "utf8", timeout: 20_000 });
}

test("--help and --version", () => {
    const help = run("--help");
    assert.equal(help.status, 0);
    assert.match(help.stdout, /--data-dir/);
    assert.match(help.stdout, /without effect/);
    assert.match(run("--version").stdout, /^kumosearch-server \d+\.\d+\.\d+\n$/);
});

test("a data directory that is not there", () => {
    const refused = run("--data-dir", path.join(directory, "none"), "--api-key", "k");
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /does not exist/);
});

test("no key on an address that others reach", () => {
    const refused = run("--data-dir", directory, "--api-port", "0");
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /no API key/);
});

test("bad settings", () => {
    const bad = (...options) => {
        const refused = run("--data-dir", directory, "--api-key", "k", ...options);
        assert.equal(refused.status, 1);
        return refused.stderr;
    };
    assert.match(bad("--api-port", "70000"), /api-port/);
    assert.match(bad("--api-port", "x"), /api-port/);
    assert.match(bad("--no-such-setting"), /no-such-setting/);
    assert.match(bad("--enable-cors=maybe"), /enable-cors/);
    assert.match(bad("--ssl-certificate", "/none"), /ssl-certificate/);
    assert.match(bad("--config", "/none"), /none/);
    const nodes = path.join(directory, "nodes");
    writeFileSync(nodes, "127.0.0.1:8107:8108,127.0.0.2:8107:8108");
    assert.match(bad("--nodes", nodes), /peering-address/);
    assert.match(bad("--nodes", nodes, "--peering-address", "not a host"), /peering-address/);
    assert.match(bad("--nodes", path.join(directory, "none")), /nodes/);
});

test("the key does not show in the arguments; the log goes to its directory", async () => {
    const server = new Server(["--log-dir", directory, "--api-key", "secret-on-the-command-line"]);
    await server.start();
    const shown = readFileSync(`/proc/${server.process.pid}/cmdline`, "latin1");
    assert.ok(!shown.includes("secret"), shown);
    const answer = await fetch(server.url("/collections"), {
        headers: { "x-typesense-api-key": "secret-on-the-command-line" },
    });
    assert.equal(answer.status, 200);
    assert.equal((await server.fetch("/collections")).status, 401);  // The environment's is beaten.
    await server.end();
    const log = readFileSync(path.join(directory, "kumosearch.log"), "utf8");
    assert.match(log, /serves http/);
    assert.ok(!log.includes("secret") && !log.includes(API_KEY));
    server.remove();
});

test("a second server on the same data is refused", async () => {
    const server = new Server();
    await server.start();
    const second = run("--data-dir", server.directory, "--api-key", "k", "--api-port", "0");
    assert.equal(second.status, 1);
    await server.end();
    server.remove();
});

test("settings from files", async () => {
    const ini = path.join(directory, "server.ini");
    writeFileSync(ini, "; a comment\n[server]\ncompat-version = 29.0\napi-key = beaten\n");
    const yaml = path.join(directory, "server.yml");
    writeFileSync(yaml, "api:\n  compat_version: '28.0'\n  cors:\n    domains: [http://a, http://b]\n");
    for (const [file, version] of [[ini, "29.0"], [yaml, "28.0"]]) {
        const server = new Server(["--config", file, "--api-key", API_KEY]);
        await server.start();
        assert.equal((await (await server.fetch("/debug")).json()).version, version);
        await server.end();
        server.remove();
    }
});

test("HTTPS", async () => {
    const key = path.join(directory, "key.pem");
    const certificate = path.join(directory, "certificate.pem");
    const made = spawnSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt",
        "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]);
    assert.equal(made.status, 0, String(made.stderr));
    const server = new Server(["--ssl-certificate", certificate, "--ssl-certificate-key", key]);
    await server.start();
    const answer = await new Promise((resolve, reject) => {
        https.get(`https://localhost:${server.port}/health`, { ca: readFileSync(certificate) },
            (response) => response.on("data", resolve)).on("error", reject);
    });
    assert.equal(String(answer), '{"ok":true}');
    await assert.rejects(fetch(server.url("/health")));
    await server.end();
    server.remove();
});
