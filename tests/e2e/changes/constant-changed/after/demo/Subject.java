package demo;

public class Subject {
    public static final int SIZE = 2;

    static String run() {
        return "new";
    }
}
