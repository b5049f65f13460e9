-- The joined ids of segments and chunks.

-- Splits joined ids. string_to_array() alone would turn a single empty id into no id.
CREATE OR REPLACE FUNCTION powercrud.split_ids(ids text, separator text) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE ids WHEN '' THEN ARRAY[''] ELSE string_to_array(ids, separator) END
$$;
