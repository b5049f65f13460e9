import { GraphQLScalarType, Kind } from "graphql";
import { parseError } from "./parse-error.ts";

const EXPECTED = "bytes in base64";

/** Bytes in base64 (RFC 4648, section 4). */
export const BYTES_SCALAR = new GraphQLScalarType<Uint8Array, string>({
  name: "Bytes",
  description: "Bytes in base64, with padding.",
  specifiedByURL: "https://www.rfc-editor.org/rfc/rfc4648#section-4",
  serialize(value) {
    if (value instanceof Uint8Array) {
      return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
    }
    throw parseError("Bytes", typeof value, EXPECTED);
  },
  parseValue: toBytes,
  parseLiteral(node) {
    if (node.kind === Kind.STRING) {
      return toBytes(node.value);
    }
    throw parseError("Bytes", node.kind, EXPECTED);
  },
});

function toBytes(value: unknown): Uint8Array {
  // Node's decoder skips what it does not know, so the form is checked first.
  if (typeof value !== "string" || value.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) {
    throw parseError("Bytes", value, EXPECTED);
  }
  return new Uint8Array(Buffer.from(value, "base64"));
}
