/* SPDX-License-Identifier: Apache-2.0 */
package victims;

import java.util.List;
import java.util.Objects;

/** Sealed types, records, enums with bodies, nested, local and anonymous classes. */
final class Shapes {
    sealed interface Shape permits Circle, Square, Nothing {
        default double area() {
            return -1;
        }
    }

    record Circle(@Mark("component") double radius, @Hidden @Mark List<@Mark("in list") String> names) implements Shape {
        Circle {
            Objects.requireNonNull(names, "names of " + Version.NAME);
        }

        @Override
        public double area() {
            return radius * radius * Version.DOUBLE;
        }
    }

    record Square(@Mark int side, String... rest) implements Shape {
        static int made = Version.NUMBER;

        Square(int side) {
            this(side, Version.NAME, "rest");
            made++;
        }

        @Override
        public double area() {
            return (double) side * side + rest.length;
        }
    }

    enum Nothing implements Shape {
        PLAIN,
        @Mark(Version.NAME) @Deprecated SPECIAL {
            @Override
            public double area() {
                return Version.NUMBER;
            }
        };

        private final String label = name() + Version.NAME;

        String label() {
            return label;
        }
    }

    class Within<T extends Shape> {
        private final T shape;

        Within(T shape) {
            this.shape = shape;
        }

        class Deeper {
            Object both() {
                return shape.area() + "," + Shapes.this.secret;
            }
        }
    }

    private long secret = Version.LONG;

    static double total(Iterable<? extends Shape> shapes) {
        double sum = 0;
        for (Shape shape : shapes) {
            sum += shape.area();
        }
        return sum;
    }

    static int choose(Nothing which, String word) {
        switch (which) {
            case PLAIN:
                secretOf(new Shapes());
                break;
            case SPECIAL:
                return word.length();
            default:
                throw new IllegalStateException(Version.NAME);
        }
        return switch (word) {
            case "alpha", Version.NAME -> 1;
            case "beta" -> {
                int local = word.hashCode();
                yield local % 7;
            }
            default -> Version.NUMBER;
        };
    }

    private static long secretOf(Shapes shapes) {
        return shapes.secret;
    }

    static Object run() {
        Shapes outer = new Shapes();
        class Local implements Comparable<Local> {
            private final int order = choose(Nothing.SPECIAL, "gamma");

            @Override
            public int compareTo(Local other) {
                return Integer.compare(order, other.order);
            }
        }
        Object anonymous = new Object() {
            @Override
            public String toString() {
                return "anonymous " + Version.NAME + new Local().compareTo(new Local());
            }
        };
        Shapes.Within<Circle>.Deeper deeper = outer.new Within<>(new Circle(2, List.of("c"))).new Deeper();
        return total(List.of(new Circle(1, List.of()), new Square(3), Nothing.PLAIN, Nothing.SPECIAL)) + " " + deeper.both()
                + anonymous + choose(Nothing.PLAIN, "beta") + new Square(2).equals(new Square(2)) + new Circle(0, List.of("n"))
                + Nothing.SPECIAL.label() + (Version.SECOND ? Nothing.valueOf("PLAIN").label() : "");
    }

    private Shapes() {
    }
}
