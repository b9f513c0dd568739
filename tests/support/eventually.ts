export { eventually, patience } from "@wattboard/testing";
