export { eventually } from "@wattboard/testing";
