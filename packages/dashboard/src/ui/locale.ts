/** The language of numbers, dates and countries. The page's words are English, and one sentence is in one language; a day has 24 hours. */
export const locale = "en-GB";
