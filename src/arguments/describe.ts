/** How values are shown in error messages: `"text"`, `-1`, `12n`, `["read", "write"]`, `[object Date]`. */
export function describe(value: unknown): string {
  try {
    return Array.isArray(value) ? `[${value.map(describeOne).join(", ")}]` : describeOne(value);
  } catch {
    // A value whose own code fails when it is looked at.
    return typeof value;
  }
}

function describeOne(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return `function ${String(value.name)}`;
  if (typeof value === "object" && value !== null) return Object.prototype.toString.call(value);
  return String(value);
}
