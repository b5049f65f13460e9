-- Headers of the file whose columns nobody can write.
ALTER TABLE powercrud.import ADD COLUMN left_out text[] NOT NULL DEFAULT '{}';
