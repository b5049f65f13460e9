import type { Json } from "../../kernel/json.ts";

/** What a definition's `run` returns, as it is read back: it is kept as JSON, where a date is a text. */
export type StoredResult<Value> = unknown extends Value
  ? Json
  : [Value] extends [Json]
    ? Value
    : Value extends undefined | void
      ? null
      : Value extends { toJSON(): infer Text }
        ? StoredResult<Text>
        : Value extends object
          ? { [Key in keyof Value]: StoredMember<Value[Key]> }
          : Json;

/** A member that may be left out stays so. */
type StoredMember<Value> = StoredResult<Exclude<Value, undefined>> | Extract<Value, undefined>;
