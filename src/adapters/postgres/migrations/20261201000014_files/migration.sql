-- The mapping leaves columns out; these are those that nobody can write.
ALTER TABLE powercrud.import RENAME COLUMN left_out TO read_only_columns;
