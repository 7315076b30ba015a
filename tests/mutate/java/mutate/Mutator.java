/* SPDX-License-Identifier: Apache-2.0 */
package mutate;

import java.util.List;
import java.util.Random;

/**
 * Makes mutants of one class file: bytes at random, and, more often, changes that a check may take
 * and HotSpot trusts.
 */
final class Mutator {
    private final Anatomy anatomy;
    private final List<Anatomy.Attribute> annotations;

    Mutator(Anatomy anatomy) {
        this.anatomy = anatomy;
        annotations = anatomy.attributes.stream()
                .filter(a -> a.name().contains("Annotation") && a.end() > a.start())
                .toList();
    }

    byte[] mutate(Random random) {
        byte[] mutant = anatomy.file.clone();
        switch (random.nextInt(20)) {
            case 0, 1 -> {
                for (int left = 1 + random.nextInt(2); left > 0; left--) {
                    changeByte(mutant, random.nextInt(mutant.length), random);
                }
            }
            case 2, 3 -> {
                Anatomy.Attribute attribute = pick(anatomy.attributes, random);
                for (int left = 1 + random.nextInt(2); left > 0; left--) {
                    changeByteWithin(mutant, attribute.start(), attribute.end(), random);
                }
            }
            case 4, 5 -> changeIndex(mutant, pick(anatomy.attributes, random), random);
            case 6, 7, 8, 9, 10 -> {
                for (int left = 1 + random.nextInt(2); left > 0; left--) {
                    exchangeAlike(mutant, pick(anatomy.attributes, random), random);
                }
            }
            case 11 -> swapTwo(mutant, random);
            case 12, 13, 14 -> putAlike(mutant, pick(anatomy.poolIndices, random), random);
            case 15 -> putShort(mutant, pick(anatomy.poolIndices, random), random.nextInt(anatomy.poolCount));
            case 16 -> {
                int at = pick(anatomy.counts, random);
                putShort(mutant, at, anatomy.u2(at) + (random.nextBoolean() ? 1 : -1));
            }
            case 17 -> putShort(mutant, pick(anatomy.attributes, random).header(),
                    anatomy.u2(pick(anatomy.attributes, random).header()));
            default -> changeAnnotationAndText(mutant, random);
        }
        return mutant;
    }

    /**
     * What killed HotSpot 17 and 25: the pool differs, so that it is merged, and an annotation
     * is not what its counts say.
     */
    private void changeAnnotationAndText(byte[] mutant, Random random) {
        int text = 2 * random.nextInt(anatomy.texts.size() / 2);
        changeByteWithin(mutant, anatomy.texts.get(text), anatomy.texts.get(text + 1), random);
        Anatomy.Attribute attribute = pick(annotations.isEmpty() ? anatomy.attributes : annotations, random);
        if (random.nextBoolean()) {
            changeByteWithin(mutant, attribute.start(), attribute.end(), random);
        } else {
            exchangeAlike(mutant, attribute, random);
        }
    }

    private static <T> T pick(List<T> list, Random random) {
        return list.get(random.nextInt(list.size()));
    }

    private static void changeByte(byte[] mutant, int at, Random random) {
        mutant[at] = (byte) switch (random.nextInt(4)) {
            case 0 -> mutant[at] + 1;
            case 1 -> mutant[at] - 1;
            case 2 -> mutant[at] ^ 1 << random.nextInt(8);
            default -> random.nextInt(256);
        };
    }

    private static void changeByteWithin(byte[] mutant, int start, int end, Random random) {
        if (end > start) {
            changeByte(mutant, start + random.nextInt(end - start), random);
        }
    }

    private static void putShort(byte[] mutant, int at, int value) {
        mutant[at] = (byte) (value >> 8);
        mutant[at + 1] = (byte) value;
    }

    /** Two bytes of an attribute become a small number, or any index. */
    private void changeIndex(byte[] mutant, Anatomy.Attribute attribute, Random random) {
        if (attribute.end() - attribute.start() >= 2) {
            int at = attribute.start() + random.nextInt(attribute.end() - attribute.start() - 1);
            putShort(mutant, at, random.nextInt(random.nextBoolean() ? 5 : anatomy.poolCount));
        }
    }

    /**
     * Something in an attribute that can be read as an index becomes the index of another
     * constant of the same kind.
     */
    private void exchangeAlike(byte[] mutant, Anatomy.Attribute attribute, Random random) {
        for (int tries = 0; tries < 8 && attribute.end() - attribute.start() >= 2; tries++) {
            int offset = random.nextInt(attribute.end() - attribute.start() - 1);
            if (putAlike(mutant, attribute.start() + offset, random)) {
                return;
            }
        }
    }

    private boolean putAlike(byte[] mutant, int at, Random random) {
        int index = anatomy.u2(at);
        if (index == 0 || index >= anatomy.poolCount) {
            return false;
        }
        int other = random.nextInt(anatomy.poolCount);
        while (anatomy.tags[other] != anatomy.tags[index]) {
            other = (other + 1) % anatomy.poolCount;
        }
        putShort(mutant, at, other);
        return other != index;
    }

    private void swapTwo(byte[] mutant, Random random) {
        int one = pick(anatomy.poolIndices, random);
        int two = pick(anatomy.poolIndices, random);
        putShort(mutant, one, anatomy.u2(two));
        putShort(mutant, two, anatomy.u2(one));
    }
}
