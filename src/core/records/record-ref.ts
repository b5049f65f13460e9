/** One row a user cares about. Ids are canonical text at every boundary (see record-key). */
export interface RecordRef {
  readonly model: string;
  readonly id: string;
}
