-- What callers have asked for in the current minute, over all processes. Losing it harms nobody, so it is not logged.
CREATE UNLOGGED TABLE powercrud.rate (
    key varchar(255) PRIMARY KEY,
    points integer NOT NULL DEFAULT 0,
    expire bigint
);
