/* SPDX-License-Identifier: Apache-2.0 */
package victims;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;

/**
 * An interface with default, static and private methods; bridges and generic signatures in what
 * implements it.
 */
interface Contract<A, B extends Iterable<? super A>> {
    String LABEL = "label";
    long MOMENT = System.nanoTime();

    B convert(A from) throws Exception;

    default List<A> twice(@Mark("p") A from, @Hidden int... counts) {
        List<A> list = new ArrayList<>();
        add(list, from);
        add(list, from);
        return list;
    }

    private void add(List<? super A> list, A item) {
        list.add(item);
        list.removeIf(o -> o == null && Version.NUMBER > 5);
    }

    static Object run() throws Exception {
        Words words = new Words();
        Contract<String, Words> contract = words;
        return "" + contract.convert("x " + Version.NAME).iterator().next() + contract.twice("a", 1, 2).size() + MOMENT / Version.LONG
                + (Version.SECOND ? contract.twice(LABEL).toString() : LABEL);
    }

    class Words implements Contract<String, Words>, Iterable<CharSequence> {
        private String held = Version.NAME;

        @Override
        public Words convert(String from) {
            held = from + held.substring(1);
            return this;
        }

        @Override
        public Iterator<CharSequence> iterator() {
            return new Iterator<>() {
                private boolean done;

                @Override
                public boolean hasNext() {
                    return !done;
                }

                @Override
                public CharSequence next() {
                    if (done) {
                        throw new NoSuchElementException(held);
                    }
                    done = true;
                    return held;
                }
            };
        }
    }
}
