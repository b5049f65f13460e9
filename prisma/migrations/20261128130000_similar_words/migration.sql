-- With the extension, searches find words with a wrong letter. Without it they find the others, so it may be missing.
DO $$
BEGIN
  CREATE EXTENSION IF NOT EXISTS pg_trgm;
EXCEPTION WHEN undefined_file OR feature_not_supported OR insufficient_privilege THEN
  RAISE NOTICE 'pg_trgm is not installed: %', SQLERRM;
END $$;
