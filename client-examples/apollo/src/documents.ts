import { gql } from "@apollo/client";

export const CITIES = gql`
  query Cities($where: CityWhere, $after: String) {
    cities(where: $where, first: 25, after: $after) {
      edges {
        cursor
        node {
          id
          name
          notes
          updatedAt
          activeTask {
            id
          }
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`;

export const RENAME = gql`
  mutation Rename($id: ID!, $name: String!, $expectedUpdatedAt: DateTime) {
    updateCity(id: $id, data: { name: $name }, expectedUpdatedAt: $expectedUpdatedAt) {
      ... on UpdateCityPayload {
        city {
          id
          name
          updatedAt
        }
      }
      ... on StaleCityError {
        current {
          id
          name
          updatedAt
        }
      }
      ... on ConflictError {
        conflicts(first: 1) {
          model
          recordId
          heldBy {
            id
            label
            progress {
              id
              percent
            }
          }
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`;

export const NOTE = gql`
  mutation Note($selection: CitySelection!, $notes: String!, $options: BulkOptions) {
    bulkUpdateCities(selection: $selection, data: { notes: { set: $notes } }, options: $options) {
      ... on TaskLaunched {
        task {
          id
          status
          progress {
            id
            total
            processed
            percent
          }
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`;

export const FOLLOW = gql`
  subscription Follow($id: ID!) {
    taskProgress(id: $id) {
      id
      status
      message
      progress {
        id
        processed
        percent
        etaMs
      }
    }
  }
`;

/** For few cities: done when it is answered, with the cities as they are now. */
export const NOTE_NOW = gql`
  mutation NoteNow($ids: [ID!]!, $notes: String!) {
    bulkUpdateCities(selection: { ids: $ids }, data: { notes: { set: $notes } }, options: { mode: SYNC }) {
      ... on TaskLaunched {
        task {
          id
          status
          records(first: 100) {
            nodes {
              recordId
              outcome
              record {
                ... on City {
                  id
                  notes
                  updatedAt
                }
              }
            }
          }
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`;

export const CITY_EVENTS = gql`
  subscription CityEvents {
    recordEvents(model: City) {
      type
      recordIds
      isAll
    }
  }
`;

/** Brings cities in the cache up to date. */
export const CITIES_AGAIN = gql`
  query CitiesAgain($ids: [ID!]!) {
    cities(ids: $ids, first: 100) {
      edges {
        cursor
        node {
          id
          name
          notes
          updatedAt
          activeTask {
            id
          }
        }
      }
    }
  }
`;
