// Owns: the tips of COMMAND INFO: how a proxy should spread a command over nodes and join the
// answers, and whether the answer is the same each time. As Redis 7.2 gives them.

const TIPS: Readonly<Record<string, string>> = {
  'request_policy:multi_shard': 'mget',
  'request_policy:all_shards response_policy:all_succeeded':
    'flushdb flushall ping memory|purge function|flush function|delete function|load function|restore',
  nondeterministic_output:
    'srandmember zrandmember time hscan dump hrandfield lastsave spop client|list client|info ' +
    'pttl zscan sscan ttl object|idletime object|freq object|encoding object|refcount ' +
    'cluster|shards cluster|info cluster|slaves cluster|links cluster|getkeysinslot ' +
    'cluster|myshardid cluster|count-failure-reports cluster|slots cluster|nodes ' +
    'cluster|bumpepoch cluster|replicas',
  'nondeterministic_output request_policy:all_shards response_policy:special':
    'info function|stats memory|stats memory|doctor memory|malloc-stats',
  'request_policy:all_shards response_policy:agg_min': 'waitaof wait',
  'request_policy:all_nodes response_policy:all_succeeded':
    'slowlog|reset client|setname client|setinfo config|resetstat config|rewrite config|set ' +
    'acl|save acl|deluser acl|setuser script|load script|flush',
  'request_policy:all_nodes nondeterministic_output': 'slowlog|get',
  'request_policy:all_nodes response_policy:agg_sum nondeterministic_output': 'slowlog|len',
  nondeterministic_output_order:
    'command command|info command|list command|docs sinter sdiff smembers hkeys sunion hvals ' +
    'hgetall function|list',
  'request_policy:all_shards response_policy:special nondeterministic_output': 'randomkey',
  'request_policy:all_shards response_policy:agg_sum': 'dbsize',
  'request_policy:multi_shard response_policy:agg_sum': 'unlink touch exists del',
  'request_policy:all_shards nondeterministic_output_order': 'keys',
  'request_policy:all_nodes response_policy:agg_sum': 'latency|reset',
  'nondeterministic_output request_policy:all_nodes response_policy:special':
    'latency|doctor latency|history latency|graph latency|histogram latency|latest',
  'request_policy:all_shards response_policy:agg_logical_and': 'script|exists',
  'request_policy:all_shards response_policy:one_succeeded': 'script|kill function|kill',
  'request_policy:multi_shard response_policy:all_succeeded': 'mset',
  'nondeterministic_output request_policy:special response_policy:special': 'scan',
};

const byName: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries(TIPS).flatMap(([tips, names]) =>
    names.split(' ').map((name) => [name, tips.split(' ')] as const),
  ),
);

/** Tips of a command by its name; none for most. */
export function tipsOf(name: string): readonly string[] {
  return byName.get(name) ?? [];
}
