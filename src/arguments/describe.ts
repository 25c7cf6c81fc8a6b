/** Shows a value in an error message: `"text"`, `-1`, `12n`, `["read", "write"]`, `[object Date]`. */
export function describe(value: unknown): string {
  try {
    return Array.isArray(value) ? `[${value.map(describeOne).join(", ")}]` : describeOne(value);
  } catch {
    // The value's own code threw while it was looked at.
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
