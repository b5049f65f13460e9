-- New ids, and the joined ids of segments and chunks.

-- Splits joined ids. string_to_array() alone would turn a single empty id into no id.
CREATE OR REPLACE FUNCTION powercrud.split_ids(ids text, separator text) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE ids WHEN '' THEN ARRAY[''] ELSE string_to_array(ids, separator) END
$$;

-- A UUID of version 7, as the engine makes them: 48 bits of Unix milliseconds, then random bits.
CREATE OR REPLACE FUNCTION powercrud.create_id(at timestamptz) RETURNS uuid LANGUAGE sql VOLATILE AS $$
  SELECT (
    lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
    || substr(replace(gen_random_uuid()::text, '-', ''), 14)
  )::uuid
$$;
