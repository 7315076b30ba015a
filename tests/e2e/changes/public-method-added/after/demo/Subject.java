package demo;

public class Subject {
    static String run() {
        return "new";
    }

    public int bar(int x) {
        return x;
    }
}
