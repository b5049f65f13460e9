/**
 * Turns four arrays of text into a `powercrud.segment[]`. Casts everywhere: sessions other than pg's send
 * parameters without types.
 * @param first number of the first of the four parameters: models, lowest, highest, ids
 */
export function segmentsSql(first: number): string {
  const parameters = [first, first + 1, first + 2, first + 3]
    .map((number) => `$${number}::text[]`)
    .join(", ");
  return `ARRAY(SELECT ROW(s.model, s.lowest, s.highest, s.ids)::powercrud.segment
    FROM unnest(${parameters}) AS s(model, lowest, highest, ids))`;
}
