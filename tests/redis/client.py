"""redis-py's cluster client against the cluster at these ports."""
import sys

from redis.cluster import ClusterNode, RedisCluster

nodes = [ClusterNode("127.0.0.1", int(port)) for port in sys.argv[1:]]
client = RedisCluster(startup_nodes=nodes)
for i in range(200):
    assert client.set(f"py:{i}", f"v{i}")
for i in range(200):
    assert client.get(f"py:{i}") == f"v{i}".encode()
assert client.mset_nonatomic({f"py:m:{i}": i for i in range(50)})
assert client.mget_nonatomic([f"py:m:{i}" for i in range(50)]) == [str(i).encode() for i in range(50)]
pipe = client.pipeline()
for i in range(50):
    pipe.incr(f"py:n:{i}")
assert pipe.execute() == [1] * 50
lock = client.lock("py:lock", timeout=5)
assert lock.acquire(blocking=False)
assert not client.lock("py:lock", timeout=5).acquire(blocking=False)
lock.extend(5)
lock.release()
assert client.eval("return redis.call('incrby', KEYS[1], ARGV[1])", 1, "py:script", 5) == 5
assert sum(1 for _ in client.scan_iter("py:m:*")) == 50
reader = RedisCluster(startup_nodes=nodes, read_from_replicas=True)
assert all(reader.get(f"py:{i}") == f"v{i}".encode() for i in range(20))
assert client.cluster_info()["cluster_state"] == "ok"
assert len(client.cluster_nodes()) == len(nodes)
print("ok")
