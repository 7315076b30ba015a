/* SPDX-License-Identifier: Apache-2.0 */
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/**
 * The application under test: does what it is told on standard input, a line a command, and answers each with one line.
 *
 * <pre>
 * call CLASS METHOD            a static method without parameters
 * get CLASS FIELD              a static field
 * has-method CLASS METHOD      whether it declares one of that name
 * load CLASS                   loads without initialising
 * loader NAME DIR              a child-first loader over DIR
 * call-in NAME CLASS METHOD    a static method of a class of that loader
 * forget NAME                  drops the loader
 * churn N DIR CLASS METHOD     N such loaders one after the other, each called and dropped; the answer, if all are the same
 * hold CLASS METHOD            a thread of its own calls METHOD(CountDownLatch) and stays in it
 * release                      lets all held threads go on, and waits for them
 * gc
 * exit CODE
 * </pre>
 */
public final class Target {
    /** Child first, so that the same class name can live in several loaders. */
    static final class ChildFirst extends URLClassLoader {
        ChildFirst(URL[] urls, ClassLoader parent) {
            super(urls, parent);
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            synchronized (getClassLoadingLock(name)) {
                Class<?> loaded = findLoadedClass(name);
                if (loaded == null && !name.startsWith("java.")) {
                    try {
                        loaded = findClass(name);
                    } catch (ClassNotFoundException absent) {
                        loaded = null;
                    }
                }
                return loaded != null ? loaded : super.loadClass(name, resolve);
            }
        }
    }

    private static final Map<String, ClassLoader> loaders = new HashMap<>();
    private static final Map<Thread, CountDownLatch> held = new HashMap<>();

    public static void main(String[] arguments) throws IOException {
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        out.println("ready");
        for (String line; (line = in.readLine()) != null; ) {
            out.println(answer(line.split(" ")));
        }
    }

    private static String answer(String[] words) {
        try {
            return String.valueOf(run(words)).replace("\n", "\\n");
        } catch (InvocationTargetException thrown) {
            return "!" + String.valueOf(thrown.getCause()).replace("\n", "\\n");
        } catch (Throwable thrown) {
            return "!" + String.valueOf(thrown).replace("\n", "\\n");
        }
    }

    private static Object run(String[] words) throws Exception {
        switch (words[0]) {
            case "call":
                return call(ClassLoader.getSystemClassLoader(), words[1], words[2]);
            case "get":
                return get(Class.forName(words[1]), words[2]);
            case "has-method":
                return hasMethod(Class.forName(words[1]), words[2]);
            case "load":
                return Class.forName(words[1], false, ClassLoader.getSystemClassLoader()).getName();
            case "loader":
                URL[] urls = {new File(words[2]).toURI().toURL()};
                loaders.put(words[1], new ChildFirst(urls, Target.class.getClassLoader()));
                return "ok";
            case "call-in":
                return call(loaders.get(words[1]), words[2], words[3]);
            case "forget":
                return loaders.remove(words[1]) != null ? "ok" : "no such loader";
            case "churn":
                return churn(Integer.parseInt(words[1]), words[2], words[3], words[4]);
            case "hold":
                return hold(words[1], words[2]);
            case "release":
                return release();
            case "gc":
                System.gc();
                return "ok";
            case "exit":
                System.exit(Integer.parseInt(words[1]));
                return "";
            default:
                return "!unknown command " + words[0];
        }
    }

    private static Object call(ClassLoader loader, String className, String methodName) throws Exception {
        Method method = Class.forName(className, true, loader).getDeclaredMethod(methodName);
        method.setAccessible(true);
        return method.invoke(null);
    }

    private static String churn(int count, String directory, String className, String methodName) throws Exception {
        URL[] urls = {new File(directory).toURI().toURL()};
        String same = null;
        for (int i = 0; i < count; i++) {
            ChildFirst loader = new ChildFirst(urls, Target.class.getClassLoader());
            String answer = String.valueOf(call(loader, className, methodName));
            loader.close();
            if (same != null && !same.equals(answer)) {
                return same + " and then " + answer + " at " + i;
            }
            same = answer;
            if (i % 100 == 99) {
                System.gc();
            }
        }
        System.gc();
        return same;
    }

    private static Object get(Class<?> owner, String name) throws ReflectiveOperationException {
        Field field = owner.getDeclaredField(name);
        field.setAccessible(true);
        return field.get(null);
    }

    private static boolean hasMethod(Class<?> owner, String name) {
        for (Method method : owner.getDeclaredMethods()) {
            if (method.getName().equals(name)) {
                return true;
            }
        }
        return false;
    }

    private static String hold(String className, String methodName) throws Exception {
        Class<?> holder = Class.forName(className, true, ClassLoader.getSystemClassLoader());
        Method method = holder.getDeclaredMethod(methodName, CountDownLatch.class, CountDownLatch.class);
        method.setAccessible(true);
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        Thread thread = new Thread(() -> {
            try {
                method.invoke(null, inside, go);
            } catch (ReflectiveOperationException thrown) {
                inside.countDown();
            }
        }, "held");
        thread.setDaemon(true);
        thread.start();
        inside.await();
        held.put(thread, go);
        return "ok";
    }

    private static String release() throws InterruptedException {
        for (Map.Entry<Thread, CountDownLatch> entry : held.entrySet()) {
            entry.getValue().countDown();
            entry.getKey().join();
        }
        held.clear();
        return "ok";
    }
}
