// A small collection with known answers.
export const schema = {
    name: "books",
    fields: [
        { name: "title", type: "string" },
        { name: "authors", type: "string[]", facet: true },
        { name: "year", type: "int32", facet: true },
        { name: "rating", type: "float" },
        { name: "sold", type: "int64" },
        { name: "in_print", type: "bool", optional: true },
    ],
    default_sorting_field: "sold",
};

export const books = [
    { id: "1", title: "The Left Hand of Darkness", authors: ["Ursula K. Le Guin"], year: 1969, rating: 4.1, sold: 900 },
    { id: "2", title: "The Dispossessed", authors: ["Ursula K. Le Guin"], year: 1974, rating: 4.2, sold: 800, in_print: true },
    { id: "3", title: "Good Omens", authors: ["Terry Pratchett", "Neil Gaiman"], year: 1990, rating: 4.3, sold: 3000, in_print: true },
    { id: "4", title: "American Gods", authors: ["Neil Gaiman"], year: 2001, rating: 4.0, sold: 2500, in_print: false },
    { id: "5", title: "Small Gods", authors: ["Terry Pratchett"], year: 1992, rating: 4.4, sold: 1200, in_print: true },
    { id: "6", title: "Café Europa: das große Buch", authors: ["Slavenka Drakulić"], year: 1996, rating: 3.9, sold: 100 },
];

export const ids = (result) => result.hits.map((hit) => hit.document.id).join(" ");
