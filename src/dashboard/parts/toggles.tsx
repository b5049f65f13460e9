import type { JSX } from "react";

/** A few choices beside each other, one of which is pressed. */
export function Toggles<Value extends string>(props: {
  label: string;
  data: readonly { readonly value: Value; readonly label: string }[];
  /** Undefined: none is, yet. */
  value: Value | undefined;
  onChange: (value: Value) => void;
}): JSX.Element {
  const { label: name, data, value: chosen, onChange } = props;
  return (
    <div className="toggles" role="group" aria-label={name}>
      {data.map(({ value, label }) => (
        <button key={value} type="button" aria-pressed={value === chosen} onClick={() => onChange(value)}>
          {label}
        </button>
      ))}
    </div>
  );
}
