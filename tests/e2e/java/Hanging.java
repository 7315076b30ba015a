/* SPDX-License-Identifier: Apache-2.0 */
import java.io.File;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.concurrent.CountDownLatch;

/** A class loader that does not answer who asks it for the file of demo.Greeter, until it is told to. Its classes come from the directory -Dhidden. */
public final class Hanging extends URLClassLoader {
    private static final CountDownLatch answer = new CountDownLatch(1);
    private static Class<?> greeter;

    private Hanging(URL directory) {
        super(new URL[] {directory}, null);
    }

    @Override
    public URL findResource(String name) {
        if (name.endsWith("Greeter.class")) {
            try {
                answer.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        return super.findResource(name);
    }

    static String load() throws Exception {
        URL directory = new File(System.getProperty("hidden")).toURI().toURL();
        greeter = new Hanging(directory).loadClass("demo.Greeter");
        return "ok";
    }

    static String greet() throws Exception {
        return (String) greeter.getMethod("greet").invoke(null);
    }

    static String answer() {
        answer.countDown();
        return "ok";
    }
}
