/* SPDX-License-Identifier: Apache-2.0 */
package victims;

import java.util.List;

/**
 * Switches over patterns, record patterns and guards: typeSwitch call sites and their bootstrap
 * arguments.
 */
final class Patterns {
    sealed interface Tree<T> {
    }

    record Leaf<T>(@Mark T value) implements Tree<T> {
    }

    record Fork<T>(Tree<T> left, Tree<T> right) implements Tree<T> {
    }

    enum Level {
        LOW, HIGH
    }

    static int depth(Tree<?> tree) {
        return switch (tree) {
            case Leaf<?>(String text) when text.length() > 3 -> text.length();
            case Leaf<?>(var any) -> 1;
            case Fork<?>(Leaf<?> left, Leaf<?>(Integer number)) -> number + Version.NUMBER;
            case Fork<?>(var left, var right) -> 1 + Math.max(depth(left), depth(right));
        };
    }

    static String describe(Object object) {
        return switch (object) {
            case null -> "nothing";
            case Level.LOW -> "low " + Version.NAME;
            case Level level -> level.name();
            case Integer i when i > Version.NUMBER -> "large";
            case Integer i -> "int " + i;
            case CharSequence s -> s.toString() + Version.LONG;
            case int[] array -> "ints " + array.length;
            default -> object.getClass().getName();
        };
    }

    static Object run() {
        return depth(new Fork<>(new Leaf<>("a"), new Fork<>(new Leaf<>("b"), new Leaf<>(3)))) + describe(Level.LOW) + describe(5)
                + describe("s") + describe(new int[2]) + describe(List.of()) + describe(null)
                + (Version.SECOND ? describe(Level.HIGH) : "");
    }

    private Patterns() {
    }
}
