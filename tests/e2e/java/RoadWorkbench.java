/* SPDX-License-Identifier: Apache-2.0 */
import java.io.File;
import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/** Makes the classes and loaders that test_road.c and test_engine.c deploy to, from inside the same process. */
public final class RoadWorkbench {
    private static final JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    private static final Pattern typeName = Pattern.compile("(?:class|interface) (\\w+)");

    /** Sources, one type each, separated by lines of dashes. */
    static boolean compile(String sources, String directory) throws IOException {
        List<JavaFileObject> units = new ArrayList<JavaFileObject>();
        for (final String source : sources.split("---")) {
            Matcher name = typeName.matcher(source);
            name.find();
            units.add(new SimpleJavaFileObject(URI.create("string:///" + name.group(1) + ".java"), JavaFileObject.Kind.SOURCE) {
                @Override
                public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                    return source;
                }
            });
        }
        Files.createDirectories(Paths.get(directory));
        return compiler.getTask(null, null, null, Arrays.asList("-d", directory, "-nowarn"), null, units).call();
    }

    /** Has a context name, as Tomcat's loaders have. */
    public static class Shop extends URLClassLoader {
        private final String name;
        private volatile CountDownLatch asked, answer;

        Shop(String name, String directory) throws MalformedURLException {
            super(new URL[] { new File(directory).toURI().toURL() }, null);
            this.name = name;
        }

        public String getContextName() {
            return name;
        }

        /** Hangs where it is told to. */
        @Override
        public URL findResource(String resource) {
            CountDownLatch until = answer;
            if (until != null) {
                asked.countDown();
                try {
                    until.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
            return super.findResource(resource);
        }
    }

    static ClassLoader shop(String name, String directory) throws MalformedURLException {
        return new Shop(name, directory);
    }

    static void hang(ClassLoader loader) {
        Shop shop = (Shop) loader;
        shop.asked = new CountDownLatch(1);
        shop.answer = new CountDownLatch(1);
    }

    static void awaitQuestion(ClassLoader loader) throws InterruptedException {
        ((Shop) loader).asked.await();
    }

    static void answer(ClassLoader loader) {
        Shop shop = (Shop) loader;
        CountDownLatch answer = shop.answer;
        shop.answer = null;
        answer.countDown();
    }

    /** Defines A from one directory and answers with the files of another, as if an agent had edited the class on its way. */
    static ClassLoader weaver(String from, String directory) throws IOException {
        final byte[] file = Files.readAllBytes(Paths.get(from, "p", "A.class"));
        return new Shop("woven", directory) {
            @Override
            protected Class<?> findClass(String name) {
                return defineClass(name, file, 0, file.length);
            }
        };
    }

    static void collectGarbage() {
        System.gc();
    }

    /** What the class's v() says. The class is loaded and initialised if it was not. */
    static int v(ClassLoader loader, String className) throws Exception {
        return (Integer) Class.forName(className, true, loader).getMethod("v").invoke(null);
    }

    /** Where the class says that it comes from; empty where it does not say. */
    static String source(ClassLoader loader, String className) throws Exception {
        java.security.CodeSource source =
                Class.forName(className, false, loader).getProtectionDomain().getCodeSource();
        return source == null ? "" : source.getLocation().getPath();
    }
}
