/* SPDX-License-Identifier: Apache-2.0 */
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/**
 * A compiler that stays warm: each line on standard input is "SOURCES TAB CLASSES TAB OPTIONS" (directories, and javac options between
 * spaces); the answer is "ok", or "error " and the messages in one line. "jar TAB DIRECTORY TAB FILE" packs a directory.
 */
public final class Workbench {
    private static final JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();

    public static void main(String[] arguments) throws IOException {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        System.out.println("ready");
        for (String line; (line = in.readLine()) != null; ) {
            String[] parts = line.split("\t", -1);
            if (parts[0].equals("jar")) {
                System.out.println(jar(Paths.get(parts[1]), Paths.get(parts[2])));
            } else {
                System.out.println(compile(Paths.get(parts[0]), Paths.get(parts[1]), parts[2]));
            }
        }
    }

    private static String compile(Path sources, Path classes, String options) throws IOException {
        Files.createDirectories(classes);
        List<String> all = new ArrayList<>(Arrays.asList("-d", classes.toString(), "-cp", classes.toString(), "-nowarn"));
        Stream.of(asThisCompilerSays(options).split(" ")).filter(option -> !option.isEmpty()).forEach(all::add);
        StringWriter messages = new StringWriter();
        try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null);
                Stream<Path> tree = Files.walk(sources)) {
            List<java.io.File> units = tree.filter(path -> path.toString().endsWith(".java")).map(Path::toFile)
                    .collect(Collectors.toList());
            boolean good = compiler.getTask(messages, files, null, all, null, files.getJavaFileObjectsFromFiles(units)).call();
            return good ? "ok" : "error " + messages.toString().replace("\n", " | ");
        }
    }

    /** The compiler of JDK 8 does not know --release, and means 8 without it. */
    private static String asThisCompilerSays(String options) {
        return System.getProperty("java.version").startsWith("1.8.") ? options.replace("--release 8", "") : options;
    }

    private static String jar(Path directory, Path file) throws IOException {
        try (Stream<Path> tree = Files.walk(directory);
                ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(file))) {
            for (Path path : tree.filter(Files::isRegularFile).sorted().collect(Collectors.toList())) {
                ZipEntry entry = new ZipEntry(directory.relativize(path).toString());
                entry.setTime(0);
                out.putNextEntry(entry);
                Files.copy(path, out);
            }
        }
        return "ok";
    }
}
