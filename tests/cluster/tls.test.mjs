// Nodes that speak mutual TLS, by the flags an operator gives: whoever has no certificate of their
// CA is not one of them, and it is said.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { until, withCluster } from './cluster.mjs';

const SAID_MS = 20000;
const said = (node, pattern) => until(`${node.name} says ${pattern}`, () => node.said(pattern), SAID_MS);

/// A CA in the cluster's directory that signs certificates for the loopback address.
class Authority {
  constructor(directory, name) {
    this.path = (file) => join(directory, `${name}.${file}`);
    this.openssl('req', '-x509', ...this.newKey('ca.key'), '-out', this.path('ca.pem'), '-days', '2', '-subj', `/CN=${name}`);
    writeFileSync(this.path('extensions'), 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n');
  }

  openssl(...args) {
    execFileSync('openssl', args, { stdio: 'pipe' });
  }

  newKey(file) {
    return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', this.path(file)];
  }

  get ca() {
    return this.path('ca.pem');
  }

  /// Settings for a node with a new certificate; `ca` is whom it believes.
  settingsFor(name, ca = this.ca) {
    const [key, request, certificate] = ['key', 'csr', 'pem'].map((kind) => `${name}.${kind}`);
    this.openssl('req', ...this.newKey(key), '-out', this.path(request), '-subj', `/CN=${name}`);
    this.openssl('x509', '-req', '-in', this.path(request), '-CA', this.ca, '-CAkey', this.path('ca.key'), '-CAcreateserial',
      '-out', this.path(certificate), '-days', '2', '-extfile', this.path('extensions'));
    return ['--peering-ssl-certificate', this.path(certificate), '--peering-ssl-certificate-key', this.path(key),
      '--peering-ssl-ca', ca];
  }
}

/// Three nodes with certificates of one CA, and two of them started.
async function twoOfThree(cluster) {
  const authority = new Authority(cluster.directory, 'ours');
  for (const node of cluster.nodes) node.settings = authority.settingsFor(node.name);
  const two = cluster.nodes.slice(0, 2);
  two.forEach((node) => node.start());
  await cluster.whole(two);
  await cluster.makeBooks();
  await two[0].write([1, 2, 3]);
  return { authority, two, third: cluster.nodes[2] };
}

/// The third node cannot join and says why, as do the others; with the right settings it can.
async function refused(cluster, { authority, two, third }, settings, pattern) {
  third.settings = settings;
  third.start();
  await said(third, pattern);
  await Promise.all(two.map((node) => said(node, /connection with 127\.0\.0\.1:\d+ refused: .*(TLS|SSL|certificate)/i)));
  assert.equal(await third.healthy(), false);
  await two[1].write([4, 5, 6]);
  const members = (await two[0].json('/operations/cluster')).members;
  assert.equal(members.length, 2);
  await third.end();
  third.settings = authority.settingsFor(third.name);
  third.start();
  await cluster.whole();
  await cluster.hold([1, 2, 3, 4, 5, 6]);
}

test('nodes with certificates of one CA are a cluster', withCluster(3, {}, async (cluster) => {
  const { third } = await twoOfThree(cluster);
  third.start();
  await cluster.whole();
  await third.write([4, 5, 6]);
  await cluster.hold([1, 2, 3, 4, 5, 6]);
  cluster.nodes.forEach((node) => assert.ok(!node.said(/not encrypted/)));
}));

test('a certificate of another CA is refused', withCluster(3, {}, async (cluster) => {
  const lab = await twoOfThree(cluster);
  const other = new Authority(cluster.directory, 'another');
  // It believes the cluster's CA; the cluster does not believe its certificate.
  await refused(cluster, lab, other.settingsFor('stranger', lab.authority.ca), /refused: .*(TLS|SSL|certificate)/i);
}));

test('a node that believes another CA does not talk to the cluster', withCluster(3, {}, async (cluster) => {
  const lab = await twoOfThree(cluster);
  const other = new Authority(cluster.directory, 'another');
  await refused(cluster, lab, lab.authority.settingsFor('stranger', other.ca), /refused: .*certificate/i);
}));

test('a node without TLS is refused', withCluster(3, {}, async (cluster) => {
  await refused(cluster, await twoOfThree(cluster), [], /refused: it speaks TLS, and this node has no TLS between nodes/);
}));
