/* SPDX-License-Identifier: Apache-2.0 */
package victims;

/**
 * Constants that javac copies into every class that names them: the same sources with another
 * Version have other constant pools.
 */
final class Version {
    static final String NAME = "first";
    static final int NUMBER = 40_000;
    static final long LONG = 1L << 40;
    static final double DOUBLE = 1.25;
    static final boolean SECOND = false;

    private Version() {
    }
}
