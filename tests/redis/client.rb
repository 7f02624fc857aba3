# redis-rb's cluster client against the cluster at these ports.
require 'redis'

nodes = ARGV.map { |port| "redis://127.0.0.1:#{port}" }
client = Redis.new(cluster: nodes)
200.times { |i| raise "set #{i}" unless client.set("rb:#{i}", "v#{i}") == 'OK' }
200.times { |i| raise "get #{i}" unless client.get("rb:#{i}") == "v#{i}" }
raise 'multi' unless client.multi { |tx| tx.set('{rb}a', '1'); tx.incr('{rb}a') } == ['OK', 2]
raise 'eval' unless client.eval('return redis.call("incr", KEYS[1])', ['{rb}a']) == 3
raise 'dbsize' unless client.dbsize >= 200
reader = Redis.new(cluster: nodes, replica: true)
20.times { |i| raise "replica #{i}" unless reader.get("rb:#{i}") == "v#{i}" }
puts 'ok'
