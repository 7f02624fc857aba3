// The Lucene side of the search benchmark (Debian's liblucene8-java).
//
//   LuceneBench build corpus.tsv INDEX            one thread, positions, merged into one segment
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
import java.util.Random;
import java.util.stream.Stream;
import org.apache.lucene.analysis.core.WhitespaceAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.FuzzyQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.PhraseQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.search.TopScoreDocCollector;
import org.apache.lucene.search.similarities.BM25Similarity;
import org.apache.lucene.store.MMapDirectory;

public class LuceneBench {
    static final String[] COMMANDS = {"TOP_10", "TOP_100", "TOP_10_COUNT", "COUNT"};
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
            TextField text = new TextField("text", "", Field.Store.NO);
            Document document = new Document();
            document.add(text);
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                text.setStringValue(line.split("\t", 9)[8]);
                writer.addDocument(document);
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

    /** Prefix queries and fuzzy scores are Lucene's own; only fuzzy counts can be compared. */
    static boolean applies(Case test, String command) {
        return !test.group.startsWith("fuzzy") || command.equals("COUNT");
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
