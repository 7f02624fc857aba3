// One connection to a server that speaks RESP2.

import { createConnection } from 'node:net';

export class Reply extends Error {}

/// Whether the command was done is not known.
export class Unknown extends Error {}

/// One connection, RESP2.
export class Connection {
  constructor(port, host = '127.0.0.1') {
    this.waiting = [];
    this.buffer = Buffer.alloc(0);
    this.socket = createConnection({ port, host });
    this.socket.setNoDelay(true);
    this.socket.once('connect', () => { this.connected = true; });
    this.socket.on('data', (bytes) => this.take(bytes));
    this.socket.on('error', () => {});
    this.socket.on('close', () => this.fail(new Unknown('the connection ended')));
  }

  call(command) {
    if (this.closed) return Promise.reject(new Unknown('the connection ended'));
    const text = command.map(String);
    this.socket.write(`*${text.length}\r\n${text.map((each) => `$${Buffer.byteLength(each)}\r\n${each}\r\n`).join('')}`);
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  end() {
    this.socket.destroy();
  }

  fail(error) {
    this.closed = true;
    for (const each of this.waiting.splice(0)) each.reject(error);
  }

  take(bytes) {
    this.buffer = Buffer.concat([this.buffer, bytes]);
    for (;;) {
      const read = parse(this.buffer, 0);
      if (!read) return;
      this.buffer = this.buffer.subarray(read.next);
      const waiting = this.waiting.shift();
      if (!waiting) continue;
      if (read.value instanceof Reply) waiting.reject(read.value);
      else waiting.resolve(read.value);
    }
  }
}

function parse(buffer, at) {
  const end = buffer.indexOf('\r\n', at);
  if (end < 0) return null;
  const line = buffer.toString('utf8', at + 1, end);
  const next = end + 2;
  switch (String.fromCharCode(buffer[at])) {
    case '+': return { value: line, next };
    case '-': return { value: new Reply(line), next };
    case ':': return { value: Number(line), next };
    case '$': {
      const size = Number(line);
      if (size < 0) return { value: null, next };
      if (buffer.length < next + size + 2) return null;
      return { value: buffer.toString('utf8', next, next + size), next: next + size + 2 };
    }
    case '*': {
      if (Number(line) < 0) return { value: null, next };
      const value = [];
      let place = next;
      for (let i = 0; i < Number(line); ++i) {
        const read = parse(buffer, place);
        if (!read) return null;
        value.push(read.value);
        place = read.next;
      }
      return { value, next: place };
    }
    default: throw new Error(`not RESP: ${line}`);
  }
}

/// Rejects with Unknown, and ends the connection, if no answer comes in time.
export function withTimeout(promise, ms, connection) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => {
      connection.end();
      connection.closed = true;
      reject(new Unknown('no answer in time'));
    }, ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
