-- Ways to look at a list that people keep.
CREATE TABLE powercrud.saved_view (
    id uuid PRIMARY KEY,
    model text NOT NULL,
    -- Null for the viewer of a service without authentication.
    created_by text,
    name text NOT NULL,
    state jsonb NOT NULL,
    is_shared boolean NOT NULL,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL
);
CREATE INDEX saved_view_owner ON powercrud.saved_view (model, created_by);
CREATE INDEX saved_view_shared ON powercrud.saved_view (model) WHERE is_shared;
