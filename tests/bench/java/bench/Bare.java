/* SPDX-License-Identifier: Apache-2.0 */
package bench;

/** JVMTI's RedefineClasses and nothing else (tests/bench/bare.c). */
final class Bare {
    static {
        System.load(System.getProperty("bench.bare"));
    }

    private Bare() {
    }

    /** One call for all; nanoseconds, without the copying of the arrays. */
    static native long redefine(Class<?>[] classes, byte[][] files);

    static native int loadedClasses();
}
