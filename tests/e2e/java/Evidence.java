/* SPDX-License-Identifier: Apache-2.0 */
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import javax.tools.JavaCompiler;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/** Makes the classes, loaders and threads that test_evidence.c looks at from inside the same process. The class is always called Subject. */
public final class Evidence {
    private static final JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    private static CountDownLatch release;
    private static Thread parked;

    static boolean compile(final String source, String directory) throws IOException {
        Files.createDirectories(Paths.get(directory));
        SimpleJavaFileObject unit =
                new SimpleJavaFileObject(URI.create("string:///Subject.java"), javax.tools.JavaFileObject.Kind.SOURCE) {
                    @Override
                    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                        return source;
                    }
                };
        List<String> options = java.util.Arrays.asList("-d", directory, "-nowarn");
        return compiler.getTask(null, null, null, options, null, Collections.singletonList(unit)).call();
    }

    static void jar(String directory, String file) throws IOException {
        try (ZipOutputStream out = new ZipOutputStream(new FileOutputStream(file))) {
            out.putNextEntry(new ZipEntry("Subject.class"));
            out.write(Files.readAllBytes(Paths.get(directory, "Subject.class")));
        }
    }

    /** A loader that reads a directory or a jar. */
    static ClassLoader loader(String path) throws MalformedURLException {
        return new URLClassLoader(new URL[] { new File(path).toURI().toURL() }, null);
    }

    /** One that looks into one directory and then into another. */
    static ClassLoader loaderOfTwo(String first, String second) throws MalformedURLException {
        return new URLClassLoader(new URL[] { new File(first).toURI().toURL(), new File(second).toURI().toURL() }, null);
    }

    /** The first again, but of a class of the application's, which may do with files what it likes. */
    static ClassLoader ownLoader(String path) throws MalformedURLException {
        return new URLClassLoader(new URL[] { new File(path).toURI().toURL() }, null) {};
    }

    /** Subject's neighbour. */
    static Class<?> loadOther(ClassLoader loader) throws ClassNotFoundException {
        return loader.loadClass("Subject$Other");
    }

    /** From now on the loader answers findResource with null. */
    static void close(ClassLoader loader) throws IOException {
        ((URLClassLoader) loader).close();
    }

    /** A class that is loaded, not linked. */
    static Class<?> load(ClassLoader loader) throws ClassNotFoundException {
        return loader.loadClass("Subject");
    }

    /** What a weaving agent does: the class comes from one directory, the loader answers with the file of another, or of a jar's URL. */
    static Class<?> weave(String from, final String answer) throws IOException, ClassNotFoundException {
        final byte[] file = Files.readAllBytes(Paths.get(from, "Subject.class"));
        return new ClassLoader(null) {
            @Override
            protected Class<?> findClass(String name) {
                return defineClass(name, file, 0, file.length);
            }

            @Override
            protected URL findResource(String name) {
                if (answer.equals("throw"))
                    throw new IllegalStateException("no resources here");
                try {
                    if (answer.startsWith("jar:"))
                        return new URL(answer + name);
                    Path path = Paths.get(answer, name);
                    return Files.exists(path) ? path.toUri().toURL() : null;
                } catch (MalformedURLException e) {
                    return null;
                }
            }
        }.loadClass("Subject");
    }

    /** A thread that is inside Subject.park when this returns. */
    static void park(final Class<?> subject) throws Exception {
        final CountDownLatch inside = new CountDownLatch(1);
        release = new CountDownLatch(1);
        parked = new Thread() {
            @Override
            public void run() {
                try {
                    subject.getMethod("park", CountDownLatch.class, CountDownLatch.class).invoke(null, inside, release);
                } catch (NoSuchMethodException | IllegalAccessException | InvocationTargetException e) {
                    throw new IllegalStateException(e);
                }
            }
        };
        parked.start();
        inside.await();
    }

    static void release() throws InterruptedException {
        release.countDown();
        parked.join();
    }

    static int answer(Class<?> subject) throws Exception {
        return (Integer) subject.getMethod("answer").invoke(null);
    }

    /** A virtual thread that ran; only where the JDK has them. */
    static void runVirtually() throws Exception {
        Runnable nothing = new Runnable() {
            @Override
            public void run() {
            }
        };
        ((Thread) Thread.class.getMethod("startVirtualThread", Runnable.class).invoke(null, nothing)).join();
    }
}
