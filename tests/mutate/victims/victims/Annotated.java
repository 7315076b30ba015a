/* SPDX-License-Identifier: Apache-2.0 */
package victims;

import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Annotations in every place: class, field, method, parameter, type parameter, bound, type
 * argument, cast, instanceof, new, local, catch.
 */
@Mark(value = Version.NAME, number = Version.NUMBER)
@Hidden({"one", Version.NAME})
@Deprecated
abstract class Annotated<@Mark(small = 1) T extends @Mark("bound") Comparable<@Mark T> & @Hidden Cloneable> extends @Mark("super") ArrayList<@Hidden T>
        implements @Mark("interface") Supplier<@Mark("argument") String> {
    private static final long serialVersionUID = Version.LONG;
    @Mark(inners = {}, ratio = Version.DOUBLE)
    @Hidden(depth = 3)
    static final String CONSTANT = "constant";
    @Mark("a") @Mark("b")
    private @Mark("array") int @Hidden [] @Mark("inner array") [] grid = {{1, 2}, {3}};
    transient volatile Map<@Mark("key") String, @Hidden ? extends @Mark("wildcard") List<@Mark("deep") ?>> map;

    @Mark(type = Annotated.class, unit = TimeUnit.NANOSECONDS)
    Annotated(@Mark("parameter") int first, @Hidden({"x", "y"}) @Mark(yes = false) String second) {
        super(first & 15);
        grid[0][0] = second.length();
    }

    @Override
    @Deprecated(since = Version.NAME, forRemoval = false)
    public @Mark("return") String get() {
        return Version.NAME + grid.length;
    }

    @Mark(numbers = {Version.NUMBER, 5})
    static <@Hidden("type parameter") X extends @Mark Object> @Mark("result") X cast(final @Mark("o") @Hidden Object o, long wide, @Hidden double other)
            throws @Mark("thrown") IllegalStateException, @Hidden IOException {
        @Mark("local") String text = "text " + wide;
        @Hidden("loop") int count = 0;
        for (@Mark("index") long i = wide & 3; i < 9; i++) {
            count += i % 2 == 0 ? 1 : 2;
        }
        if (o instanceof @Mark("pattern") String) {
            text = (@Mark("cast") String) o + count;
        }
        try (@Mark("resource") StringReader reader = new @Mark("new") StringReader(text)) {
            count += reader.read();
        } catch (@Mark("caught") IllegalArgumentException | @Hidden UnsupportedOperationException e) {
            count = -1;
        }
        Supplier<@Mark("lambda") List<String>> list = @Mark("reference") ArrayList<@Mark String>::new;
        Function<String, Integer> length = (@Mark("lambda parameter") String s) -> {
            @Hidden("in lambda") int result = s.length() + Version.NUMBER;
            return result;
        };
        list.get().add(text);
        @SuppressWarnings("unchecked") X result = (X) (Object) Integer.valueOf(count + length.apply(text) + (int) other);
        return result;
    }

    static Object run() throws IOException {
        if (Version.SECOND) {
            StringBuilder more = new StringBuilder("only in the second").append(Math.abs(-3.5f));
            more.reverse();
        }
        return "" + cast("a string", 6, 2.5) + cast(null, 3, Version.DOUBLE) + Comparator.naturalOrder();
    }
}
