// The Lucene side of the search benchmark (Debian's liblucene8-java).
//
//   LuceneBench build corpus.tsv INDEX            one thread, positions, columns, stored fields,
//                                                 merged into one segment
//   LuceneBench query INDEX queries.tsv RUNS WARM_SECONDS out.tsv
//
// Times are CPU time of the thread, so that a busy machine does not favour either side. The query
// cache is off; every command warms the JVM up first.

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.lucene.analysis.core.WhitespaceAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.IntPoint;
import org.apache.lucene.document.LongPoint;
import org.apache.lucene.document.NumericDocValuesField;
import org.apache.lucene.document.SortedDocValuesField;
import org.apache.lucene.document.StoredField;
import org.apache.lucene.document.StringField;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.DocValues;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.SortedDocValues;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.FuzzyQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.MultiCollector;
import org.apache.lucene.search.PhraseQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.ScoreMode;
import org.apache.lucene.search.SimpleCollector;
import org.apache.lucene.search.Sort;
import org.apache.lucene.search.SortField;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.search.TopFieldDocs;
import org.apache.lucene.search.TopScoreDocCollector;
import org.apache.lucene.search.similarities.BM25Similarity;
import org.apache.lucene.store.MMapDirectory;
import org.apache.lucene.util.BytesRef;

public class LuceneBench {
    static final String[] COMMANDS = {
        "TOP_10", "TOP_100", "TOP_10_COUNT", "COUNT", "FUZZY_TOP_10", "FILTER_TOP_10", "SORT_10",
        "FACET", "TOP_10_FACET"
    };
    static final String[] KEYWORDS = {"project", "component", "kind", "lang", "author"};
    static final com.sun.management.ThreadMXBean THREAD =
            (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
    static final com.sun.management.OperatingSystemMXBean SYSTEM =
            (com.sun.management.OperatingSystemMXBean)
                    java.lang.management.ManagementFactory.getOperatingSystemMXBean();

    static final class Case {
        final String query;
        final String group;

        Case(String query, String group) {
            this.query = query;
            this.group = group;
        }
    }

    static final class Answer {
        long count;
        double sum;
    }

    /** One line of the corpus as a document; reused. */
    static final class Line {
        final Document document = new Document();
        final StringField id = new StringField("id", "", Field.Store.YES);
        final TextField text = new TextField("text", "", Field.Store.YES);
        final List<SortedDocValuesField> columns = new ArrayList<>();
        final List<StringField> keywords = new ArrayList<>();
        final NumericDocValuesField timestamp = new NumericDocValuesField("timestamp", 0);
        final LongPoint timestampPoint = new LongPoint("timestamp", 0);
        final StoredField timestampStored = new StoredField("timestamp", 0L);
        final NumericDocValuesField year = new NumericDocValuesField("year", 0);
        final IntPoint yearPoint = new IntPoint("year", 0);
        final StoredField yearStored = new StoredField("year", 0);

        Line() {
            for (String name : KEYWORDS) {
                columns.add(new SortedDocValuesField(name, new BytesRef("")));
                keywords.add(new StringField(name, "", Field.Store.YES));
            }
            Field[] others = {
                id, text, timestamp, timestampPoint, timestampStored, year, yearPoint, yearStored
            };
            for (Field field : others) {
                document.add(field);
            }
            columns.forEach(document::add);
            keywords.forEach(document::add);
        }

        Document set(String line) {
            String[] values = line.split("\t", 9);
            id.setStringValue(values[0]);
            text.setStringValue(values[8]);
            for (int i = 0; i < KEYWORDS.length; ++i) {
                columns.get(i).setBytesValue(new BytesRef(values[i + 1]));
                keywords.get(i).setStringValue(values[i + 1]);
            }
            timestamp.setLongValue(Long.parseLong(values[6]));
            timestampPoint.setLongValue(Long.parseLong(values[6]));
            timestampStored.setLongValue(Long.parseLong(values[6]));
            year.setLongValue(Integer.parseInt(values[7]));
            yearPoint.setIntValue(Integer.parseInt(values[7]));
            yearStored.setIntValue(Integer.parseInt(values[7]));
            return document;
        }
    }

    static void build(String corpus, String index) throws IOException {
        IndexWriterConfig config = new IndexWriterConfig(new WhitespaceAnalyzer());
        config.setRAMBufferSizeMB(1000);
        config.setSimilarity(new BM25Similarity());
        config.setUseCompoundFile(false);
        config.setOpenMode(IndexWriterConfig.OpenMode.CREATE);
        long start = SYSTEM.getProcessCpuTime();
        long docs = 0;
        try (IndexWriter writer = new IndexWriter(new MMapDirectory(Paths.get(index)), config);
                BufferedReader lines = Files.newBufferedReader(Paths.get(corpus))) {
            Line document = new Line();
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                writer.addDocument(document.set(line));
                ++docs;
            }
            writer.commit();
            double cpu = (SYSTEM.getProcessCpuTime() - start) / 1e9;
            writer.forceMerge(1);
            writer.commit();
            double merged = (SYSTEM.getProcessCpuTime() - start) / 1e9;
            System.out.printf(
                    "lucene: %d documents, index %.1f CPU-s, with merge %.1f CPU-s%n", docs, cpu, merged);
        }
        try (Stream<Path> files = Files.list(Paths.get(index))) {
            long bytes = files.mapToLong(file -> file.toFile().length()).sum();
            System.out.printf("lucene: %.1f MB%n", bytes / 1e6);
        }
    }

    static Term term(String text) {
        return new Term("text", text);
    }

    static Query parse(String query) {
        if (query.startsWith("\"")) {
            PhraseQuery.Builder phrase = new PhraseQuery.Builder();
            for (String word : query.substring(1, query.length() - 1).split(" ")) {
                phrase.add(term(word));
            }
            return phrase.build();
        }
        if (query.matches(".*~[12]")) {
            int edits = query.charAt(query.length() - 1) - '0';
            return new FuzzyQuery(term(query.substring(0, query.length() - 2)), edits);
        }
        String[] words = query.split(" ");
        if (words.length == 1) {
            return new TermQuery(term(query));
        }
        BooleanQuery.Builder all = new BooleanQuery.Builder();
        for (String word : words) {
            boolean must = word.startsWith("+");
            all.add(
                    new TermQuery(term(must ? word.substring(1) : word)),
                    must ? BooleanClause.Occur.MUST : BooleanClause.Occur.SHOULD);
        }
        return all.build();
    }

    static double sum(TopDocs top) {
        double sum = 0;
        for (ScoreDoc hit : top.scoreDocs) {
            sum += hit.score;
        }
        return sum;
    }

    /** Counts a field's values by their ordinals, then finds the ten most frequent. */
    static final class FacetCollector extends SimpleCollector {
        final String field;
        int[] counts;
        SortedDocValues values;
        long hits;

        FacetCollector(String field) {
            this.field = field;
        }

        @Override
        protected void doSetNextReader(LeafReaderContext context) throws IOException {
            values = DocValues.getSorted(context.reader(), field);
            counts = new int[values.getValueCount()];
        }

        @Override
        public void collect(int doc) throws IOException {
            ++hits;
            if (values.advanceExact(doc)) {
                ++counts[values.ordValue()];
            }
        }

        @Override
        public ScoreMode scoreMode() {
            return ScoreMode.COMPLETE_NO_SCORES;
        }

        long sumOfTop() {
            PriorityQueue<Integer> best = new PriorityQueue<>();
            for (int count : counts) {
                if (count > 0 && best.size() < 10) {
                    best.add(count);
                } else if (count > 0 && best.peek() < count) {
                    best.poll();
                    best.add(count);
                }
            }
            return best.stream().mapToLong(count -> count).sum();
        }
    }

    static Query filtered(Query query) {
        return new BooleanQuery.Builder()
                .add(query, BooleanClause.Occur.MUST)
                .add(new TermQuery(new Term("kind", "code")), BooleanClause.Occur.FILTER)
                .add(IntPoint.newRangeQuery("year", 2005, 2015), BooleanClause.Occur.FILTER)
                .build();
    }

    static Answer facets(IndexSearcher searcher, Query query, boolean top) throws IOException {
        Answer answer = new Answer();
        FacetCollector component = new FacetCollector("component");
        FacetCollector author = new FacetCollector("author");
        if (top) {
            TopScoreDocCollector best = TopScoreDocCollector.create(10, Integer.MAX_VALUE);
            searcher.search(query, MultiCollector.wrap(best, component, author));
            answer.sum = sum(best.topDocs());
        } else {
            searcher.search(query, MultiCollector.wrap(component, author));
        }
        answer.count = component.hits;
        answer.sum += component.sumOfTop() + author.sumOfTop();
        return answer;
    }

    static Answer sorted(IndexSearcher searcher, Query query) throws IOException {
        Answer answer = new Answer();
        SortField newest = new SortField("timestamp", SortField.Type.LONG, true);
        TopFieldDocs top = searcher.search(query, 10, new Sort(newest));
        for (ScoreDoc hit : top.scoreDocs) {
            answer.sum += (Long) ((org.apache.lucene.search.FieldDoc) hit).fields[0];
        }
        return answer;
    }

    static Answer run(IndexSearcher searcher, Query query, String command) throws IOException {
        Answer answer = new Answer();
        switch (command) {
            case "COUNT":
                answer.count = searcher.count(query);
                break;
            case "TOP_10_COUNT":
                TopScoreDocCollector collector = TopScoreDocCollector.create(10, Integer.MAX_VALUE);
                searcher.search(query, collector);
                answer.count = collector.getTotalHits();
                answer.sum = sum(collector.topDocs());
                break;
            case "FILTER_TOP_10":
                answer.sum = sum(searcher.search(filtered(query), 10));
                break;
            case "SORT_10":
                return sorted(searcher, query);
            case "FACET":
                return facets(searcher, query, false);
            case "TOP_10_FACET":
                return facets(searcher, query, true);
            default:
                answer.sum = sum(searcher.search(query, command.equals("TOP_100") ? 100 : 10));
        }
        return answer;
    }

    static List<Case> readCases(String path) throws IOException {
        List<Case> cases = new ArrayList<>();
        for (String line : Files.readAllLines(Paths.get(path), StandardCharsets.UTF_8)) {
            String[] fields = line.split("\t");
            cases.add(new Case(fields[1], fields[0]));
        }
        return cases;
    }

    /** Fuzzy scores are Lucene's own; only fuzzy counts can be compared. */
    static boolean applies(Case test, String command) {
        boolean fuzzy = test.group.startsWith("fuzzy");
        switch (command) {
            case "COUNT":
                return true;
            case "FUZZY_TOP_10":
                return fuzzy;
            case "FILTER_TOP_10":
            case "SORT_10":
            case "FACET":
            case "TOP_10_FACET":
                return test.group.equals("union")
                        || test.group.equals("intersection")
                        || test.group.startsWith("term");
            default:
                return !fuzzy;
        }
    }

    static void measure(
            IndexReader reader, List<Case> cases, String command, int runs, long warm, PrintWriter out)
            throws IOException {
        IndexSearcher searcher = new IndexSearcher(reader);
        searcher.setQueryCache(null);
        searcher.setSimilarity(new BM25Similarity());
        List<Case> order = new ArrayList<>();
        for (Case test : cases) {
            if (applies(test, command)) {
                order.add(test);
            }
        }
        Collections.shuffle(order, new Random(2));
        Answer[] answers = new Answer[order.size()];
        long start = THREAD.getCurrentThreadCpuTime();
        do {
            for (int i = 0; i < order.size(); ++i) {
                answers[i] = run(searcher, parse(order.get(i).query), command);
            }
        } while (THREAD.getCurrentThreadCpuTime() - start < warm * 1_000_000_000L);
        long[][] times = new long[order.size()][runs];
        for (int round = 0; round < runs; ++round) {
            for (int i = 0; i < order.size(); ++i) {
                long before = THREAD.getCurrentThreadCpuTime();
                run(searcher, parse(order.get(i).query), command);
                times[i][round] = THREAD.getCurrentThreadCpuTime() - before;
            }
        }
        for (int i = 0; i < order.size(); ++i) {
            long[] t = times[i];
            Arrays.sort(t);
            out.printf(
                    "%s\t%s\t%s\t%d\t%.4f\t%.1f\t%.1f\t%.1f%n",
                    command, order.get(i).group, order.get(i).query, answers[i].count, answers[i].sum,
                    t[0] / 1e3, t[runs / 2] / 1e3, t[runs - 1] / 1e3);
        }
    }

    public static void main(String[] args) throws IOException {
        if (args[0].equals("build")) {
            build(args[1], args[2]);
            return;
        }
        List<Case> cases = readCases(args[2]);
        try (IndexReader reader = DirectoryReader.open(new MMapDirectory(Paths.get(args[1])));
                PrintWriter out = new PrintWriter(args[5])) {
            for (String command : COMMANDS) {
                measure(
                        reader, cases, command, Integer.parseInt(args[3]), Long.parseLong(args[4]), out);
                System.err.println("lucene: " + command + " done");
            }
        }
    }
}
