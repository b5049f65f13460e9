import type { PowerCrudBuilder } from "../builder.ts";
import { BIG_INT_SCALAR } from "./big-int-scalar.ts";
import { BYTES_SCALAR } from "./bytes-scalar.ts";
import { DATE_TIME_SCALAR } from "./date-time-scalar.ts";
import { DECIMAL_SCALAR } from "./decimal-scalar.ts";
import { JSON_SCALAR } from "./json-scalar.ts";

/** The scalars that GraphQL itself does not have. */
export function addScalars(builder: PowerCrudBuilder): void {
  builder.addScalarType("BigInt", BIG_INT_SCALAR);
  builder.addScalarType("DateTime", DATE_TIME_SCALAR);
  builder.addScalarType("Decimal", DECIMAL_SCALAR);
  builder.addScalarType("JSON", JSON_SCALAR);
  builder.addScalarType("Bytes", BYTES_SCALAR);
}
