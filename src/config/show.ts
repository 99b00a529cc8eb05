// Owns: the effective settings as an operator reads them (--check-config) and the table of all
// settings (README). The output of --check-config is itself a valid configuration file, secrets
// aside.

import type { Config } from './load.js';
import {
  flagName,
  type Setting,
  type SettingKey,
  settingKeys,
  settings,
  variableName,
} from './schema.js';

/** The text of one value; secrets are never shown. */
export function valueText(config: Config, key: SettingKey): string {
  const row = settings[key] as Setting;
  const text = row.kind.format(key === 'raftPeers' ? allPeers(config) : config[key]);
  return row.secret === true && text !== '' ? '(redacted)' : text;
}

function allPeers(config: Config): unknown {
  return config.raftMembers.length > 0 ? config.raftMembers : config.raftPeers;
}

/** YAML with the origin of each value behind it. */
export function effectiveConfig(config: Config): string {
  const lines: string[] = [];
  let open: string[] = [];
  for (const key of [...settingKeys].sort(byDepth)) {
    const parts = settings[key].path.split('.');
    const sections = parts.slice(0, -1);
    sections.forEach((section, depth) => {
      if (open.slice(0, depth + 1).join('.') === sections.slice(0, depth + 1).join('.')) return;
      lines.push(`${'  '.repeat(depth)}${section}:`);
    });
    open = sections;
    const origin = config.origins[key];
    const from = origin.source === 'default' ? 'default' : origin.label;
    const text = JSON.stringify(valueText(config, key));
    lines.push(`${'  '.repeat(sections.length)}${parts.at(-1)}: ${text} # ${from}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Keeps the table's order but for sections, which follow the plain keys of their parent. */
function byDepth(a: SettingKey, b: SettingKey): number {
  const [left, right] = [sectionOf(a), sectionOf(b)];
  return left === right ? 0 : SECTION_ORDER.indexOf(left) - SECTION_ORDER.indexOf(right);
}

function sectionOf(key: SettingKey): string {
  return settings[key].path.split('.').slice(0, -1).join('.');
}

const SECTION_ORDER = [...new Set(settingKeys.map(sectionOf))];

/** The settings table of cluster-configs/README.md. */
export function settingsTable(): string {
  const rows = settingKeys.map((key) => {
    const { path, kind, fallback, help } = settings[key];
    const value = kind.name.replaceAll('|', ' \\| ');
    const shown = fallback === '' ? '' : `\`${fallback}\``;
    const names = `\`${path}\` | \`-${flagName(key)}\` | \`${variableName(key)}\``;
    return `| ${names} | ${value} | ${shown} | ${help} |`;
  });
  return [
    '| YAML | flag | variable | value | default | meaning |',
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}
