import { graphql } from "relay-runtime";

graphql`
  query citiesQuery($country: ID!) {
    country(id: $country) {
      name
      ...cities_list
    }
  }
`;

graphql`
  fragment cities_list on Country
  @refetchable(queryName: "citiesPageQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 25 }, after: { type: "String" }) {
    cities(first: $count, after: $after) @connection(key: "cities_cities", filters: []) {
      edges {
        node {
          ...cities_city
        }
      }
    }
  }
`;

graphql`
  fragment cities_city on City @refetchable(queryName: "citiesCityQuery") {
    name
    notes
    activeTask {
      id
      status
    }
  }
`;

graphql`
  mutation citiesCreateMutation($data: CityCreateInput!, $connections: [ID!]!) {
    createCity(data: $data) {
      __typename
      ... on CreateCityPayload {
        city @appendNode(connections: $connections, edgeTypeName: "CityEdge") {
          ...cities_city
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`;

graphql`
  mutation citiesDeleteMutation($id: ID!, $connections: [ID!]!) {
    deleteCity(id: $id) {
      __typename
      ... on DeleteCityPayload {
        city {
          id @deleteEdge(connections: $connections)
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`;

graphql`
  subscription citiesEventsSubscription {
    recordEvents(model: City) {
      type
      recordIds
      isAll
    }
  }
`;

graphql`
  query citiesAgainQuery($ids: [ID!]!) {
    cities(ids: $ids, first: 100) {
      nodes {
        ...cities_city
      }
    }
  }
`;

graphql`
  subscription citiesTasksSubscription($where: TaskEventWhere, $after: String) {
    taskEvents(where: $where, after: $after) {
      cursor
      type
      task {
        status
        progress {
          percent
        }
      }
    }
  }
`;
